import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { demandCommandsApart, hearsCommands, nextOf } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-03b",
  title: "another device's client id while that device is away, to have its rights",
  transports: ["tls"],
  defeats: "identity-from-client-id",
  severity: "critical",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.3.1", "MQTT 3.1.1 §5.4.2"],
    cwe: [639, 290],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await demandCommandsApart(lab);
    const spy = await lab.mqtt();
    const answer = await spy.connect({ clientId: clientIdOf(lab.victim), attack: true });
    if (!answer.accepted) return held(answer.how, { refusedAt: "CONNECT" });
    if (await hearsCommands(lab, spy))
      return broken("with the victim's client id it may hear the victim's commands");
    return held("accepted, but the client id gives no rights", { refusedAt: "SUBSCRIBE", next: nextOf(spy) });
  },
});
