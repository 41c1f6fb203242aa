import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { clientOf } from "./at-version.ts";
import { answered, anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18q",
  title: "a record with more than 2^14 bytes of content, in TLS 1.2",
  transports: ["tls"],
  defeats: "record-overflow-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 5246 §6.2.1"],
    cwe: [130, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const packet = anyWords(lab);
    const client = await clientOf(lab, "TLS 1.2");
    const result = await client.handshake();
    if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
    // In MQTT, PINGREQs fill the record.
    const fragment = Buffer.concat([packet, Buffer.alloc(2 ** 14 + 2, Buffer.of(0xc0, 0))]);
    const note = `${fragment.length} bytes of content`;
    client.replace({ kind: "record", contentType: ContentType.application_data, fragment, note });
    return lab.judge(await answered(lab, client));
  },
});
