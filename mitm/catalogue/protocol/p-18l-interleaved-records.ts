import { gatewayAttack } from "../../attack.ts";
import { withHeader } from "../../tls/messages.ts";
import { ContentType } from "../../tls/numbers.ts";
import { clientOf, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18l",
  title: "another record in the middle of a handshake message, in TLS 1.3",
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
    const client = await clientOf(lab, "TLS 1.3", {
      outgoing: inPlaceOf("Certificate", ({ msgType = 0, body }) => {
        const bytes = withHeader({ msgType, body });
        client.transcript.add(bytes);
        const part = { kind: "record", contentType: ContentType.handshake } as const;
        return [
          { ...part, fragment: bytes.subarray(0, 40), note: "the first 40 bytes of Certificate" },
          {
            kind: "record",
            contentType: ContentType.change_cipher_spec,
            fragment: Uint8Array.of(1),
            protected: false,
            note: "in the middle of Certificate",
          },
          { ...part, fragment: bytes.subarray(40), note: "the rest of Certificate" },
        ];
      }),
    });
    const result = await client.handshake();
    return lab.judge(result.completed ? await lab.hello(client) : { admitted: false, ...result });
  },
});
