import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import { consequenceMs, freshText, openSession, recruit, telemetryTopic, witness } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-08b",
  title: "what a device retained, after it is revoked",
  transports: ["tls"],
  defeats: "retained-outlives-device",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §3.3.1.3 [MQTT-3.3.1-6]", "MQTT 3.1.1 §5.4.2"],
    cwe: [613, 672],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { account, revoke } = await recruit(lab);
    const [topic, text] = [telemetryTopic(lab, account), freshText(lab, "retained")];
    const device = await openSession(lab, account);
    await device.publish(topic, text, { retain: true, attack: true });
    device.disconnect();
    if (!(await isFound(lab, topic, text))) throw new NotApplicable("the broker retains nothing of a device");
    await revoke();
    // Whoever cleans up may do it in rounds.
    const deadline = performance.now() + consequenceMs(lab.patience);
    do {
      if (!(await isFound(lab, topic, text))) return held("it is not found any more");
    } while (performance.now() < deadline && !lab.signal.aborted);
    return broken("it is still handed out");
  },
});

async function isFound(lab: GatewayLab, topic: string, text: string): Promise<boolean> {
  const backend = await witness(lab, topic);
  const found = await backend.hears(text);
  backend.disconnect();
  return found;
}
