import { broken, gatewayAttack, held } from "../../attack.ts";
import { freshText, nextOf, openFive, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-13b",
  title: "a topic alias of MQTT 5 that another connection set",
  transports: ["tls"],
  defeats: "topic-alias-of-another",
  severity: "medium",
  reference: {
    rfc: ["MQTT 5 §3.3.2.3.4"],
    cwe: [664, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.attacker);
    const first = await openFive(lab, lab.attacker);
    await first.publish(topic, freshText(lab, "alias"), { properties: { topicAlias: 1 } });
    first.disconnect();
    const second = await openFive(lab, lab.attacker);
    const { taken, how } = await second.publish("", freshText(lab, "aliased"), {
      properties: { topicAlias: 1 },
      attack: true,
    });
    return taken
      ? broken(how)
      : held(how, { refusedAt: "PUBLISH with an unknown alias", next: nextOf(second) });
  },
});
