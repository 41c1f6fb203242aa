import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { newDevice } from "../admission/registered.ts";
import { comeBack, sessionOf } from "./ticket.ts";

export default gatewayAttack({
  id: "P-10c",
  title: "a ticket from before the device was removed, over TLS 1.3",
  transports: ["tls"],
  defeats: "resumption-not-rechecked",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.6.1", "RFC 9325 §3.4"],
    cwe: [613],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    if (lab.target.remove === undefined)
      throw new NotApplicable("the target removes nothing at the lab's word");
    const device = await newDevice(lab, "removed-later");
    const session = await sessionOf(lab, "TLS 1.3", device);
    await lab.target.remove(device.deviceId);
    return lab.judge(await comeBack(lab, session, { clientId: device.deviceId }));
  },
});
