import { gatewayAttack } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, sendForbidden, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-11a",
  title: "a PUBLISH with packet identifier 0",
  transports: ["tls"],
  defeats: "packet-identifier-zero",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §2.3.1 [MQTT-2.3.1-1]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const bytes = publishBytes(telemetryTopic(lab, lab.attacker), 0);
    return await sendForbidden(peer, bytes, "PUBLISH with packet identifier 0");
  },
});
