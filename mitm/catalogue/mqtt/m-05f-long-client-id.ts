import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-05f",
  title: "a client id of 60,000 characters",
  transports: ["tls"],
  defeats: "client-id-unbounded",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.1 [MQTT-3.1.3-5]"],
    cwe: [770],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    const clientId = `${clientIdOf(lab.attacker)}/${"x".repeat(60_000)}`;
    const { accepted, how } = await peer.connect({ clientId, attack: true });
    return accepted ? broken(how) : held(how, { refusedAt: "CONNECT" });
  },
});
