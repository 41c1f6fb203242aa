import { broken, gatewayAttack, held } from "../../attack.ts";
import { demandCommandsApart, hearsCommands, nextOf } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-03a",
  title: "another device's user name and a password, over the attacker's own certificate",
  transports: ["tls"],
  defeats: "identity-from-username",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.4", "MQTT 3.1.1 §5.4.1"],
    cwe: [287, 290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await demandCommandsApart(lab);
    const spy = await lab.mqtt();
    const answer = await spy.connect({
      username: lab.victim.login?.username ?? lab.victim.deviceId,
      password: "guessed",
      attack: true,
    });
    if (!answer.accepted) return held(answer.how, { refusedAt: "CONNECT" });
    if (await hearsCommands(lab, spy))
      return broken("with the victim's user name it may hear the victim's commands");
    return held("accepted, but the user name gives no rights", { refusedAt: "SUBSCRIBE", next: nextOf(spy) });
  },
});
