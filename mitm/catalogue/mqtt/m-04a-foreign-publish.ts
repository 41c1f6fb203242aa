import { broken, gatewayAttack, held } from "../../attack.ts";
import {
  commandsArrive,
  commandTopic,
  freshText,
  heldIfOthersHear,
  listen,
  openSession,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04a",
  title: "commands to another device, at each QoS",
  transports: ["tls"],
  defeats: "publish-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §5.4.2"],
    cwe: [862, 639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { victim, attacker } = lab;
    const honest = await listen(lab, victim);
    const topic = commandTopic(lab, victim);
    const answers: string[] = [];
    let taken = false;
    const forged: string[] = [];
    for (const qos of [0, 1, 2] as const) {
      const text = freshText(lab, `forged-at-qos-${qos}`);
      const forger = await openSession(lab, attacker);
      const answer = await forger.publish(topic, text, { qos, attack: true });
      answers.push(`QoS ${qos}: ${answer.how}`);
      taken ||= answer.taken;
      forger.disconnect();
      forged.push(text);
    }
    await honest.hears(forged.at(-1) ?? "");
    const heard = honest.heard.find(({ payload }) => forged.includes(payload));
    if (heard !== undefined) return broken(`the victim was told ${heard.payload} on ${topic}`);
    const finding = held(`${answers.join("; ")}; the victim heard nothing`, { refusedAt: "PUBLISH" });
    return taken ? heldIfOthersHear(lab, finding, () => commandsArrive(lab, honest)) : finding;
  },
});
