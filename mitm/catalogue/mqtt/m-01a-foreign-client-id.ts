import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-01a",
  title: "another device's client id, while that device is connected",
  transports: ["tls"],
  defeats: "foreign-client-id",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.4 [MQTT-3.1.4-2]", "MQTT 3.1.1 §5.4.1"],
    cwe: [639, 287],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { victim } = lab;
    const honest = await openSession(lab, victim);
    const thief = await lab.mqtt();
    const answer = await thief.connect({ clientId: clientIdOf(victim), attack: true });
    if (!(await honest.survives()))
      return broken(`${answer.how}; the victim's session ended: ${honest.closed ?? "no answer"}`);
    if (!answer.accepted)
      return held(`${answer.how}; the victim's session goes on`, { refusedAt: "CONNECT" });
    return held(`${answer.how}, but under another name: the victim's session goes on`, { next: "went on" });
  },
});
