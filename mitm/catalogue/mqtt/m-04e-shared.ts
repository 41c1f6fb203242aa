import { gatewayAttack } from "../../attack.ts";
import { overhear, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04e",
  title: "a shared subscription to another device's topic",
  transports: ["tls"],
  defeats: "shared-filter-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 5 §4.8.2", "MQTT 3.1.1 §5.4.2"],
    cwe: [863],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.victim);
    return await overhear(lab, `$share/mitm/${topic}`, topic);
  },
});
