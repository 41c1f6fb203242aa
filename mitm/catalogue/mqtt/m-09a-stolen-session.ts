import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { commandTopic, forgetSession, freshText, keepSession, openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-09a",
  title: "another device's stored session, and what waits in it",
  transports: ["tls"],
  defeats: "foreign-client-id",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.4 [MQTT-3.1.2-4]", "MQTT 3.1.1 §5.4.1"],
    cwe: [639, 384],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { target, victim } = lab;
    await keepSession(lab, victim);
    try {
      const text = freshText(lab, "queued");
      if (target.operator !== undefined) {
        const sender = await openSession(lab, target.operator);
        await sender.publish(commandTopic(lab, victim), text);
        sender.disconnect();
      }
      const thief = await lab.mqtt();
      const { how, sessionPresent } = await thief.connect({
        clientId: clientIdOf(victim),
        clean: false,
        attack: true,
      });
      if (await thief.hears(text)) return broken(`${how}; it was given what waited for the victim`);
      if (sessionPresent) return broken(`${how}: the victim's session`);
      return held(how, { refusedAt: "CONNECT" });
    } finally {
      await forgetSession(lab, victim);
    }
  },
});
