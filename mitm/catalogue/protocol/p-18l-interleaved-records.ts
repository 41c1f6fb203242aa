import { gatewayAttack } from "../../attack.ts";
import { ContentType, HandshakeType } from "../../tls/numbers.ts";
import { clientOf } from "./at-version.ts";
import { answered, anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18l",
  title: "application data in the middle of a handshake message, in TLS 1.3",
  transports: ["tls"],
  defeats: "interleaved-records-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §5.1"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const fragment = anyWords(lab);
    const client = await clientOf(lab, "TLS 1.3");
    const result = await client.handshake();
    if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
    const begun = Uint8Array.of(HandshakeType.key_update, 0);
    client.replace({
      kind: "record",
      contentType: ContentType.handshake,
      fragment: begun,
      note: "2 bytes of KeyUpdate",
    });
    client.replace({
      kind: "record",
      contentType: ContentType.application_data,
      fragment,
      note: "the first words",
    });
    return lab.judge(await answered(lab, client));
  },
});
