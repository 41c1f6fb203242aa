import { broken, gatewayAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import {
  commandTopic,
  forgetSession,
  freshText,
  keepSession,
  openSession,
  operatorOf,
} from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-11d",
  title: "acknowledgements of another device's messages",
  transports: ["tls"],
  defeats: "acknowledgements-shared",
  severity: "high",
  reference: {
    rfc: ["MQTT 3.1.1 §2.3.1", "MQTT 3.1.1 §4.4 [MQTT-4.4.0-1]"],
    cwe: [639],
    en303645: ["5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const operator = operatorOf(lab);
    await keepSession(lab, victim);
    try {
      const text = freshText(lab, "kept");
      const sender = await openSession(lab, operator);
      await sender.publish(commandTopic(lab, victim), text);
      const id = await unacknowledged(lab, text);
      if (id === undefined)
        throw new NotApplicable("the broker does not send again what was not acknowledged");
      const thief = await openSession(lab, attacker);
      for (const messageId of new Set([id, ...Array.from({ length: 64 }, (_, n) => n + 1)])) {
        thief.send({ cmd: "puback", messageId }, true);
      }
      const { how } = await thief.ping();
      if ((await unacknowledged(lab, text)) === undefined) return broken("the victim's message is gone");
      return held(`${how}; the victim's message came again`, { next: thief.closed ?? "went on" });
    } finally {
      await forgetSession(lab, victim);
    }
  },
});

/** The packet identifier of a message that the victim is sent and does not acknowledge. */
async function unacknowledged(lab: GatewayLab, text: string): Promise<number | undefined> {
  const peer = await lab.mqtt(lab.victim);
  peer.acknowledges = false;
  await peer.connect({ clean: false });
  await peer.hears(text);
  peer.cut();
  return peer.heard.find(({ payload }) => payload === text)?.messageId;
}
