import { broken, gatewayAttack, held } from "../../attack.ts";
import { consequenceMs, freshText, openSession, recruit, telemetryTopic, witness } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-07a",
  title: "the will of a device whose certificate is revoked while it is connected",
  transports: ["tls"],
  defeats: "will-outlives-rights",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §3.1.2.5 [MQTT-3.1.2-8]", "MQTT 3.1.1 §5.4.2"],
    cwe: [613, 672],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { account, revoke } = await recruit(lab);
    const [topic, text] = [telemetryTopic(lab, account), freshText(lab, "will")];
    const backend = await witness(lab, topic);
    const device = await openSession(lab, account, { will: { topic, payload: text, qos: 1 }, attack: true });
    await revoke();
    const closed = await device.closes(consequenceMs(lab.patience));
    device.cut();
    if (await backend.hears(text)) return broken("the will was sent after the revocation");
    return held(`the connection: ${closed ?? "not closed by the target"}; the will was not sent`);
  },
});
