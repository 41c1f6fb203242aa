import { broken, gatewayAttack, held } from "../../attack.ts";
import { connectBytes, withPassword } from "../../mqtt/bytes.ts";
import { clientIdOf } from "../../mqtt/peer.ts";

export default gatewayAttack({
  id: "M-12j",
  title: "a CONNECT with a password and no user name",
  transports: ["tls"],
  defeats: "password-without-username",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.9 [MQTT-3.1.2-22]"],
    cwe: [20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const peer = await lab.mqtt();
    peer.sendBytes(
      withPassword(connectBytes(clientIdOf(lab.attacker))),
      "CONNECT with a password and no user name",
    );
    const { accepted, how } = await peer.connack();
    return accepted ? broken(how) : held(how, { refusedAt: "CONNECT" });
  },
});
