import { gatewayAttack } from "../../attack.ts";
import { commandTopic, overhear, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04g",
  title: "another device's topic behind a good filter in one SUBSCRIBE",
  transports: ["tls"],
  defeats: "only-first-filter-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.9.3", "MQTT 3.1.1 §5.4.2"],
    cwe: [863],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.victim);
    return await overhear(lab, [commandTopic(lab, lab.attacker), topic], topic);
  },
});
