import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { leafOf, newDevice } from "../admission/registered.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-10b",
  title: "a ticket from before the certificate was revoked, over TLS 1.2",
  transports: ["tls"],
  defeats: "resumption-not-rechecked",
  severity: "critical",
  reference: {
    rfc: ["RFC 5077 §5.6", "RFC 9325 §3.4"],
    cwe: [613, 299],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    if (lab.target.revoke === undefined)
      throw new NotApplicable("the target revokes nothing at the lab's word");
    const device = await newDevice(lab, "revoked-later");
    const session = await sessionOf(lab, "TLS 1.2", device);
    await lab.target.revoke(leafOf(device.credential));
    return lab.judge(await comeBack(lab, session, { clientId: device.deviceId }));
  },
});
