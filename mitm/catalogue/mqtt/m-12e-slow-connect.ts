import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { connectBytes } from "../../mqtt/bytes.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-12e",
  title: "a CONNECT that stops half-way",
  transports: ["tls"],
  defeats: "hello-timeout-missing",
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
    peer.sendBytes(
      connectBytes(clientIdOf(lab.attacker), lab.attacker.login).subarray(0, 9),
      "half a CONNECT",
    );
    const closed = await peer.closes(2 * helloTimeoutMs + lab.patience.answerMs);
    if (closed !== undefined) return held(closed, { refusedAt: "half a CONNECT", next: "closed" });
    return broken(`still open, though the target says that it waits for ${helloTimeoutMs} ms`);
  },
});
