import { gatewayAttack } from "../../attack.ts";
import { openSession, sendForbidden } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12c",
  title: "a remaining length of five bytes",
  transports: ["tls"],
  defeats: "five-byte-length",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §2.2.3", "MQTT 3.1.1 §4.8 [MQTT-4.8.0-1]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const bytes = Buffer.from("c08080808000", "hex");
    return await sendForbidden(peer, bytes, "PINGREQ with a remaining length of five bytes");
  },
});
