import { broken, gatewayAttack, held } from "../../attack.ts";
import { openSession } from "../../mqtt/scene.ts";

/** Seconds. */
const keepalive = 1;

export default gatewayAttack({
  id: "M-14",
  title: "a device that falls silent past its keep alive, as when it is cut off",
  transports: ["tls"],
  defeats: "keep-alive-ignored",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.10 [MQTT-3.1.2-24]"],
    cwe: [613, 772],
    en303645: ["5.9-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    // The victim's session keeps the same keep alive: that it lives on shows that silence is what ends the other.
    const honest = await openSession(lab, lab.victim, { keepalive });
    const silent = await openSession(lab, lab.attacker, { keepalive, attack: true });
    const began = performance.now();
    // Brokers look for silent clients every few seconds; one that does so is late, but does not lack the check.
    const deadline = began + 1500 * keepalive + 4 * lab.patience.answerMs;
    while (silent.closed === undefined && performance.now() < deadline) {
      await silent.closes(500 * keepalive);
      const { taken, how } = await honest.ping();
      if (!taken)
        throw new Error(`a session that kept its keep alive of ${keepalive} s was not kept: ${how}`);
    }
    const time = `${((performance.now() - began) / 1000).toFixed(1)} s of silence at a keep alive of ${keepalive} s`;
    if (silent.closed === undefined) return broken(`still open after ${time}`, "nothing");
    return held(`${silent.closed} after ${time}`, { refusedAt: "silence", next: "closed" });
  },
});
