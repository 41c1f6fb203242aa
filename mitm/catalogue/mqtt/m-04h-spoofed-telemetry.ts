import { broken, gatewayAttack, held } from "../../attack.ts";
import {
  freshText,
  heldIfOthersHear,
  openSession,
  telemetryArrives,
  telemetryTopic,
  witness,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04h",
  title: "messages in the name of another device",
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
    const topic = telemetryTopic(lab, lab.victim);
    const backend = await witness(lab, topic);
    const forger = await openSession(lab, lab.attacker);
    const text = freshText(lab, "forged");
    const answer = await forger.publish(topic, text, { attack: true });
    if (await backend.hears(text)) return broken(`${answer.how}; the backend takes it for the victim's`);
    const finding = held(`${answer.how}; the backend heard nothing`, { refusedAt: "PUBLISH" });
    if (!answer.taken) return finding;
    const honest = await openSession(lab, lab.victim);
    return heldIfOthersHear(lab, finding, () => telemetryArrives(lab, honest, topic));
  },
});
