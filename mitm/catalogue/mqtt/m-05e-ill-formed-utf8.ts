import { gatewayAttack, held } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, sendForbidden, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-05e",
  title: "a topic name with a slash coded in two bytes, and one with half a surrogate pair",
  transports: ["tls"],
  defeats: "ill-formed-utf8",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §1.5.3 [MQTT-1.5.3-1]"],
    cwe: [176, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const overlong = [0xc0, 0xaf];
    const surrogate = [0xed, 0xa0, 0x80];
    for (const octets of [overlong, surrogate]) {
      const peer = await openSession(lab, lab.attacker);
      const topic = Buffer.concat([Buffer.from(telemetryTopic(lab, lab.attacker)), Uint8Array.from(octets)]);
      const finding = await sendForbidden(peer, publishBytes(topic, 1), "PUBLISH with ill-formed UTF-8");
      if (finding.result !== "held") return finding;
    }
    return held("closed for both", { refusedAt: "PUBLISH with ill-formed UTF-8", next: "closed" });
  },
});
