import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-05c",
  title: "a client id with U+0000 in it",
  transports: ["tls"],
  defeats: "nul-in-client-id",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §1.5.3 [MQTT-1.5.3-2]"],
    cwe: [158],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    const { accepted, how } = await peer.connect({
      clientId: `${clientIdOf(lab.attacker)}/\0x`,
      attack: true,
    });
    return accepted ? broken(how) : held(how, { refusedAt: "CONNECT" });
  },
});
