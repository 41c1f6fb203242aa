import { gatewayAttack } from "../../attack.ts";
import { connectBytes } from "../../mqtt/bytes.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { openSession, sendForbidden } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-12b",
  title: "a second CONNECT on the same connection, as another device",
  transports: ["tls"],
  defeats: "second-connect",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1 [MQTT-3.1.0-2]"],
    cwe: [696, 639],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    return await sendForbidden(peer, connectBytes(clientIdOf(lab.victim)), "a second CONNECT");
  },
});
