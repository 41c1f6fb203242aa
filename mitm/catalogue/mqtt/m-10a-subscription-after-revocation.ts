import { broken, gatewayAttack, held } from "../../attack.ts";
import {
  commandTopic,
  consequenceMs,
  freshText,
  listen,
  nextOf,
  openSession,
  operatorOf,
  recruit,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-10a",
  title: "a session that is kept open after its certificate is revoked, to hear on",
  transports: ["tls"],
  defeats: "subscription-outlives-rights",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §5.4.2"],
    cwe: [613, 672],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const operator = operatorOf(lab);
    const { account, revoke } = await recruit(lab);
    const device = await listen(lab, account, { attack: true });
    await revoke();
    const closed = await device.closes(consequenceMs(lab.patience));
    const sender = await openSession(lab, operator);
    const text = freshText(lab, "later");
    await sender.publish(commandTopic(lab, account), text);
    if (await device.hears(text)) return broken("it still hears what is sent to it");
    return held(closed ?? "the session is open, but nothing is delivered", { next: nextOf(device) });
  },
});
