import { broken, gatewayAttack, held } from "../../attack.ts";
import { topicsOf, topicUnder } from "../../mqtt/topics.ts";

export default gatewayAttack({
  id: "M-06d",
  title: "a will to a topic name with a wildcard, among its own topics",
  transports: ["tls"],
  defeats: "wildcard-in-topic-name",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.2", "MQTT 3.1.1 §3.3.2.1 [MQTT-3.3.2-2]"],
    cwe: [155, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const { publish } = topicsOf(lab.target, lab.attacker.deviceId);
    const peer = await lab.mqtt();
    const will = { topic: topicUnder(publish, "+"), payload: "x", qos: 0 } as const;
    const { accepted, how } = await peer.connect({ will, attack: true });
    if (!accepted) return held(how, { refusedAt: "CONNECT" });
    peer.disconnect();
    return broken(how);
  },
});
