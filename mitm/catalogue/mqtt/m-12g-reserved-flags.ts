import { gatewayAttack } from "../../attack.ts";
import { subscribeBytes } from "../../mqtt/bytes.ts";
import { commandTopic, openSession, sendForbidden } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12g",
  title: "a SUBSCRIBE with flags that are reserved",
  transports: ["tls"],
  defeats: "reserved-flags",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §2.2.2 [MQTT-2.2.2-2]", "MQTT 3.1.1 §3.8.1 [MQTT-3.8.1-1]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const bytes = subscribeBytes(commandTopic(lab, lab.attacker), 1);
    bytes[0] = 0x80;
    return await sendForbidden(peer, bytes, "SUBSCRIBE with flags 0");
  },
});
