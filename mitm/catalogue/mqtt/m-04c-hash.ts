import { gatewayAttack } from "../../attack.ts";
import { overhear, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04c",
  title: "a subscription to everything",
  transports: ["tls"],
  defeats: "hash-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §4.7.1.2", "MQTT 3.1.1 §5.4.2"],
    cwe: [863],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    return await overhear(lab, "#", telemetryTopic(lab, lab.victim));
  },
});
