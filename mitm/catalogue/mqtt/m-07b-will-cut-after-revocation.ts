import { broken, gatewayAttack, held } from "../../attack.ts";
import { freshText, openSession, recruit, telemetryTopic, witness } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-07b",
  title: "the will of a device that is revoked and cuts its connection in the same moment",
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
    const revoked = revoke();
    device.cut();
    await revoked;
    if (await backend.hears(text)) return broken("the will was sent after the revocation");
    return held("the will was not sent");
  },
});
