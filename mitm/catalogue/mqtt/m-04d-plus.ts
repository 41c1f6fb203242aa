import { gatewayAttack } from "../../attack.ts";
import { overhear, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04d",
  title: "a subscription with a wildcard in place of each level",
  transports: ["tls"],
  defeats: "plus-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §4.7.1.3", "MQTT 3.1.1 §5.4.2"],
    cwe: [863],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.victim);
    return await overhear(lab, topic.replaceAll(/[^/]+/g, "+"), topic);
  },
});
