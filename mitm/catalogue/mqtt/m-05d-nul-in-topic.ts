import { gatewayAttack } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, sendForbidden, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-05d",
  title: "one of its own topics with U+0000 in its name",
  transports: ["tls"],
  defeats: "nul-in-topic",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §1.5.3 [MQTT-1.5.3-2]"],
    cwe: [158],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const topic = `${telemetryTopic(lab, lab.attacker)}\0x`;
    return await sendForbidden(peer, publishBytes(topic, 1), "PUBLISH with U+0000 in the topic name");
  },
});
