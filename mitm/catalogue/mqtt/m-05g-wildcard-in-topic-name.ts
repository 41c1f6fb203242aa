import { gatewayAttack } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, sendForbidden } from "../../mqtt/scene.ts";
import { topicsOf, topicUnder } from "../../mqtt/topics.ts";

export default gatewayAttack({
  id: "M-05g",
  title: "a message to a topic name with a wildcard, among its own topics",
  transports: ["tls"],
  defeats: "wildcard-in-topic-name",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.3.2.1 [MQTT-3.3.2-2]", "MQTT 3.1.1 §4.8 [MQTT-4.8.0-1]"],
    cwe: [155, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const { publish } = topicsOf(lab.target, lab.attacker.deviceId);
    const peer = await openSession(lab, lab.attacker);
    return await sendForbidden(peer, publishBytes(topicUnder(publish, "+"), 1), "PUBLISH to a wildcard");
  },
});
