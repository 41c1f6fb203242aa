import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { leafOf, newDevice } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-07a",
  title: "a stolen certificate with its key, revoked in the inventory",
  transports: ["tls", "dtls"],
  defeats: "registered-revocation-ignored",
  severity: "critical",
  reference: {
    rfc: ["RFC 5280 §6.1.3"],
    cwe: [299],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    if (lab.target.revoke === undefined) throw new NotApplicable("the lab cannot revoke a certificate there");
    const { deviceId, credential } = await newDevice(lab, "stolen");
    await lab.target.revoke(leafOf(credential));
    return lab.judge(await lab.enter(credential, { clientId: deviceId }));
  },
});
