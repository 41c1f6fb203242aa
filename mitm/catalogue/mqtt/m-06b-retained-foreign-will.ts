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
  id: "M-06b",
  title: "a retained will to another device's commands, found by it later",
  transports: ["tls"],
  defeats: "will-not-authorized",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.7 [MQTT-3.1.2-17]", "MQTT 3.1.1 §5.4.2"],
    cwe: [862, 639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const [topic, text] = [commandTopic(lab, victim), freshText(lab, "will")];
    const forger = await lab.mqtt();
    const will = { topic, payload: text, qos: 1, retain: true } as const;
    const { accepted, how } = await forger.connect({ will, attack: true });
    forger.cut();
    // A round trip, in which the broker can notice the end of the other connection.
    await (await openSession(lab, attacker)).ping();
    const honest = await listen(lab, victim);
    if (await honest.hears(text)) {
      await (await openSession(lab, attacker)).publish(topic, "", { retain: true });
      return broken(`${how}; the victim found ${text} on ${topic}`);
    }
    if (!accepted) return held(how, { refusedAt: "CONNECT" });
    return heldIfOthersHear(lab, held("accepted, but not sent"), () => commandsArrive(lab, honest));
  },
});
