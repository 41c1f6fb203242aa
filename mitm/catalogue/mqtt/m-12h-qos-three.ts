import { gatewayAttack } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, sendForbidden, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12h",
  title: "a PUBLISH with QoS 3",
  transports: ["tls"],
  defeats: "qos-three",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §3.3.1.2 [MQTT-3.3.1-4]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const bytes = publishBytes(telemetryTopic(lab, lab.attacker), 1);
    bytes[0] = 0x36;
    return await sendForbidden(peer, bytes, "PUBLISH with QoS 3");
  },
});
