import { broken, gatewayAttack, held } from "../../attack.ts";
import { nextOf, openSession } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-04f",
  title: "a subscription to the broker's own state",
  transports: ["tls"],
  defeats: "sys-readable",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §4.7.2"],
    cwe: [200],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const spy = await openSession(lab, lab.attacker);
    const answer = await spy.subscribe("$SYS/#", { attack: true });
    // Whoever comes is something that a broker may tell of.
    const other = await openSession(lab, lab.victim);
    await other.ping();
    await spy.survives();
    const [heard] = spy.heard;
    if (heard !== undefined) return broken(`${answer.how}; then it read ${heard.topic}`);
    return held(`${answer.how}; nothing was told`, { refusedAt: "SUBSCRIBE", next: nextOf(spy) });
  },
});
