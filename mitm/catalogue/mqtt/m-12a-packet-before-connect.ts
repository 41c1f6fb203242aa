import { broken, gatewayAttack, held } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12a",
  title: "a PUBLISH before CONNECT",
  transports: ["tls"],
  defeats: "packet-before-connect",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1 [MQTT-3.1.0-1]"],
    cwe: [696, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    peer.sendBytes(publishBytes(telemetryTopic(lab, lab.attacker), 1), "PUBLISH before CONNECT");
    const next = await peer.next(lab.patience.silenceMs);
    if (next.kind === "closed")
      return held(next.how, { refusedAt: "PUBLISH before CONNECT", next: "closed" });
    if (next.kind === "packet") return broken(`it was answered: ${next.packet.cmd}`);
    const answer = await peer.connect();
    if (answer.accepted) return broken("CONNECT was accepted after it", "went on");
    return held(answer.how, {
      refusedAt: "CONNECT after a PUBLISH",
      next: peer.closed === undefined ? "silent" : "closed",
    });
  },
});
