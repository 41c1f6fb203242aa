import { broken, gatewayAttack, held } from "../../attack.ts";
import { commandsArrive, commandTopic, freshText, heldIfOthersHear, listen } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-06a",
  title: "a will to another device's commands",
  transports: ["tls"],
  defeats: "will-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.5 [MQTT-3.1.2-8]", "MQTT 3.1.1 §5.4.2"],
    cwe: [862, 639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const honest = await listen(lab, lab.victim);
    const [topic, text] = [commandTopic(lab, lab.victim), freshText(lab, "will")];
    const forger = await lab.mqtt();
    const { accepted, how } = await forger.connect({ will: { topic, payload: text, qos: 1 }, attack: true });
    forger.cut();
    if (await honest.hears(text)) return broken(`${how}; the victim was told ${text} on ${topic}`);
    if (!accepted) return held(how, { refusedAt: "CONNECT" });
    return heldIfOthersHear(lab, held("accepted, but not sent"), () => commandsArrive(lab, honest));
  },
});
