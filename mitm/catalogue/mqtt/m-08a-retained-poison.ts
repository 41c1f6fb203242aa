import { broken, gatewayAttack, held } from "../../attack.ts";
import {
  commandsArrive,
  commandTopic,
  freshText,
  heldIfOthersHear,
  listen,
  nextOf,
  openSession,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-08a",
  title: "a retained message on another device's commands, found by it later",
  transports: ["tls"],
  defeats: "retained-publish-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.3.1.3 [MQTT-3.3.1-6]", "MQTT 3.1.1 §5.4.2"],
    cwe: [862, 639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const [topic, text] = [commandTopic(lab, victim), freshText(lab, "poison")];
    const forger = await openSession(lab, attacker);
    const answer = await forger.publish(topic, text, { retain: true, attack: true });
    const honest = await listen(lab, victim);
    if (!(await honest.hears(text))) {
      const more = { refusedAt: "PUBLISH", next: nextOf(forger) };
      const finding = held(`${answer.how}; the victim found nothing`, more);
      return answer.taken ? heldIfOthersHear(lab, finding, () => commandsArrive(lab, honest)) : finding;
    }
    await (await openSession(lab, attacker)).publish(topic, "", { retain: true });
    return broken(`${answer.how}; the victim found ${text} on ${topic}`);
  },
});
