import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { newDevice } from "./registered.ts";
import { endOfSession, openSession } from "./session.ts";

export default gatewayAttack({
  id: "G-CERT-18b",
  title: "a device that is removed while its session is open",
  transports: ["tls", "dtls"],
  defeats: "removal-at-admission-only",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §6.3"],
    cwe: [613],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    if (lab.target.remove === undefined) throw new NotApplicable("the lab cannot remove a device there");
    const device = await newDevice(lab, "removed");
    const end = await openSession(lab, device);
    await lab.target.remove(device.deviceId);
    return endOfSession(lab, end, "its device was removed");
  },
});
