import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { newDevice } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-17a",
  title: "the certificate of a device that was removed",
  transports: ["tls", "dtls"],
  defeats: "removed-device-accepted",
  severity: "high",
  reference: {
    rfc: ["RFC 5280 §6.1.3"],
    cwe: [613, 862],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    if (lab.target.remove === undefined) throw new NotApplicable("the lab cannot remove a device there");
    const { deviceId, credential } = await newDevice(lab, "removed");
    await lab.target.remove(deviceId);
    return lab.judge(await lab.enter(credential, { clientId: deviceId }));
  },
});
