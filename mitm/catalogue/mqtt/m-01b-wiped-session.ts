import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { findsSession, forgetSession, keepSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-01b",
  title: "a CONNECT under another device's client id that asks for a clean session",
  transports: ["tls"],
  defeats: "session-touched-before-identity",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.4 [MQTT-3.1.2-6]", "MQTT 3.1.1 §5.4.1"],
    cwe: [639, 696],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { victim } = lab;
    await keepSession(lab, victim);
    try {
      const thief = await lab.mqtt();
      const { how } = await thief.connect({ clientId: clientIdOf(victim), clean: true, attack: true });
      thief.cut();
      if (await findsSession(lab, victim))
        return held(`${how}; the victim finds its session`, { refusedAt: "CONNECT" });
      return broken(`${how}; the victim's stored session is gone`);
    } finally {
      await forgetSession(lab, victim);
    }
  },
});
