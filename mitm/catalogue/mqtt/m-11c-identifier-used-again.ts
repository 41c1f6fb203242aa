import { broken, gatewayAttack, held, inconclusive } from "../../attack.ts";
import { freshText, openSession, telemetryTopic, witness } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-11c",
  title: "another QoS 2 message under a packet identifier that was not released",
  transports: ["tls"],
  defeats: "qos2-delivered-twice",
  severity: "medium",
  reference: {
    rfc: ["MQTT 3.1.1 §4.3.3 [MQTT-4.3.3-2]"],
    cwe: [294, 20],
    en303645: ["5.13-1"],
    cra: ["I(2)(f)"],
  },
  async run(lab) {
    const topic = telemetryTopic(lab, lab.attacker);
    const backend = await witness(lab, topic);
    const peer = await openSession(lab, lab.attacker);
    const [first, again] = [freshText(lab, "first"), freshText(lab, "again")];
    for (const payload of [first, again]) {
      const dup = payload === again;
      peer.send({ cmd: "publish", topic, payload, qos: 2, retain: false, dup, messageId: 7 }, true);
      await peer.until(({ cmd }) => cmd === "pubrec");
    }
    peer.send({ cmd: "pubrel", messageId: 7 }, true);
    await peer.until(({ cmd }) => cmd === "pubcomp");
    await backend.hears(again);
    const heard = backend.heard
      .map(({ payload }) => payload)
      .filter((text) => text === first || text === again);
    if (heard.length > 1) return broken("both were delivered");
    if (heard.length === 1) return held("one was delivered", { next: peer.closed ?? "went on" });
    return peer.closed === undefined
      ? inconclusive("neither was delivered")
      : held(`neither was delivered: ${peer.closed}`);
  },
});
