import { broken, gatewayAttack, held } from "../../attack.ts";
import { telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-06c",
  title: "a will of 65,000 bytes on one of its own topics",
  transports: ["tls"],
  defeats: "will-unbounded",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.3"],
    cwe: [770],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    const will = { topic: telemetryTopic(lab, lab.attacker), payload: "x".repeat(65_000), qos: 0 } as const;
    const { accepted, how } = await peer.connect({ will, attack: true });
    if (!accepted) return held(how, { refusedAt: "CONNECT" });
    // So that it is not sent after all.
    peer.disconnect();
    return broken(how);
  },
});
