import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { leafOf, newDevice } from "./registered.ts";
import { endOfSession, openSession } from "./session.ts";

export default gatewayAttack({
  id: "G-CERT-18a",
  title: "a certificate that is revoked while its session is open",
  transports: ["tls", "dtls"],
  defeats: "revocation-at-admission-only",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §6.3"],
    cwe: [613],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    if (lab.target.revoke === undefined) throw new NotApplicable("the lab cannot revoke a certificate there");
    const device = await newDevice(lab, "revoked");
    const end = await openSession(lab, device);
    await lab.target.revoke(leafOf(device.credential));
    return endOfSession(lab, end, "its certificate was revoked");
  },
});
