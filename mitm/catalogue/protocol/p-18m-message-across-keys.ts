import { gatewayAttack } from "../../attack.ts";
import { withHeader } from "../../tls/messages.ts";
import { ContentType, HandshakeType } from "../../tls/numbers.ts";
import { clientOf, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18m",
  title: "a handshake message that begins before the change of keys and ends after it, in TLS 1.3",
  transports: ["tls"],
  defeats: "record-boundary-not-checked",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §5.1"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const client = await clientOf(lab, "TLS 1.3", {
      outgoing: inPlaceOf("Finished", ({ msgType = 0, body }) => {
        const bytes = withHeader({ msgType, body });
        client.transcript.add(bytes);
        // A KeyUpdate of five bytes: four of them under the old keys.
        const begun = Buffer.concat([bytes, Uint8Array.of(HandshakeType.key_update, 0, 0, 1)]);
        const contentType = ContentType.handshake;
        return [{ kind: "record", contentType, fragment: begun, note: "Finished, and most of a KeyUpdate" }];
      }),
    });
    const result = await client.handshake();
    if (!result.completed) return lab.judge({ admitted: false, ...result });
    // The rest of it, and then data under the keys that it leads to.
    client.records.send(ContentType.handshake, Uint8Array.of(0));
    client.tls13?.traffic?.advance();
    return lab.judge(await lab.hello(client));
  },
});
