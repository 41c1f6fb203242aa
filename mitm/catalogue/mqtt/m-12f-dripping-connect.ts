import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { connectBytes } from "../../mqtt/bytes.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-12f",
  title: "a CONNECT that comes byte by byte",
  transports: ["tls"],
  defeats: "hello-timeout-restarts",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.4"],
    cwe: [400, 772],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const { helloTimeoutMs } = lab.target;
    if (helloTimeoutMs === undefined)
      throw new NotApplicable("how long the target waits for CONNECT is not known: --hello-timeout");
    const peer = await lab.mqtt();
    const bytes = connectBytes(`${clientIdOf(lab.attacker)}/${"x".repeat(60)}`);
    const deadline = performance.now() + 2 * helloTimeoutMs + lab.patience.answerMs;
    const pauseMs = (deadline - performance.now()) / 60;
    for (let at = 0; performance.now() < deadline && !lab.signal.aborted; at += 1) {
      // The last one is never sent.
      if (at < bytes.length - 1) peer.sendBytes(bytes.subarray(at, at + 1), "a byte of a CONNECT");
      const next = await peer.next(pauseMs);
      if (next.kind === "closed")
        return held(`${next.how} after ${at + 1} bytes`, { refusedAt: "CONNECT", next: "closed" });
    }
    return broken(`still open, though the target says that it waits for ${helloTimeoutMs} ms`);
  },
});
