import { broken, gatewayAttack, held } from "../../attack.ts";
import {
  commandTopic,
  freshText,
  heldIfOthersHear,
  openFive,
  operatorOf,
  telemetryTopic,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-13a",
  title: "a request of MQTT 5 whose response topic is another device's commands",
  transports: ["tls"],
  defeats: "response-topic-not-authorized",
  severity: "medium",
  reference: {
    rfc: ["MQTT 5 §4.10.1"],
    cwe: [441, 862],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.attacker);
    const responder = await openFive(lab, operatorOf(lab));
    await responder.subscribe(topic);
    const peer = await openFive(lab, lab.attacker);
    const [responseTopic, text] = [commandTopic(lab, lab.victim), freshText(lab, "request")];
    const answer = await peer.publish(topic, text, { properties: { responseTopic }, attack: true });
    await responder.hears(text);
    const asked = responder.heard.find(({ payload }) => payload === text)?.properties?.responseTopic;
    if (asked === responseTopic)
      return broken(`${answer.how}; the responder is asked to answer to ${responseTopic}`);
    const finding = held(`${answer.how}; no responder was asked`, { refusedAt: "PUBLISH" });
    if (!answer.taken) return finding;
    return heldIfOthersHear(lab, finding, async () => {
      const honest = freshText(lab, "request");
      await peer.publish(topic, honest);
      return responder.hears(honest);
    });
  },
});
