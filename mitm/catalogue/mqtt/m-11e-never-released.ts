import { broken, gatewayAttack, held } from "../../attack.ts";
import { publishBytes } from "../../mqtt/bytes.ts";
import { openSession, telemetryTopic } from "../../mqtt/scene.ts";

export default gatewayAttack({
  id: "M-11e",
  title: "4,096 QoS 2 messages, none of which is released",
  transports: ["tls"],
  defeats: "inflight-unbounded",
  severity: "low",
  reference: {
    rfc: ["MQTT 3.1.1 §4.3.3"],
    cwe: [770, 400],
    en303645: ["5.13-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const peer = await openSession(lab, lab.attacker);
    const topic = telemetryTopic(lab, lab.attacker);
    let answered = 0;
    for (let from = 1; from < messages; from += batch) {
      const packets = Array.from({ length: batch }, (_, n) => publishBytes(topic, from + n, 2));
      peer.sendBytes(Buffer.concat(packets), `${batch} × PUBLISH at QoS 2`);
      const next = await peer.until(({ cmd }) => {
        if (cmd === "pubrec") answered += 1;
        return answered >= from + batch - 1;
      });
      if (next.kind === "closed") return held(`${next.how} after ${answered} messages`, { next: "closed" });
      if (next.kind === "silence")
        return held(`no more than ${answered} messages were taken`, { next: "not closed" });
    }
    peer.cut();
    return broken(`${answered} messages wait for their PUBREL`);
  },
});

const messages = 4_096;
const batch = 256;
