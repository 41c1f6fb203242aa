import { broken, gatewayAttack, held } from "../../attack.ts";
import { connectBytes } from "../../mqtt/bytes.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-12i",
  title: "a CONNECT with the reserved flag set",
  transports: ["tls"],
  defeats: "connect-reserved-flag",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.3 [MQTT-3.1.2-3]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    const bytes = connectBytes(clientIdOf(lab.attacker), lab.attacker.login);
    bytes[9] = (bytes[9] ?? 0) | 0x01;
    peer.sendBytes(bytes, "CONNECT with the reserved flag");
    const { accepted, how } = await peer.connack();
    return accepted ? broken(how) : held(how, { refusedAt: "CONNECT" });
  },
});
