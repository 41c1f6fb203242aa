import { deviceAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { deviceHello, judgeReaction } from "./device-hello.ts";

export default deviceAttack({
  id: "P-18z",
  title: "a record in clear with more than 2^14 bytes, from the gateway",
  transports: ["tls"],
  defeats: "record-overflow-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §5.1", "RFC 5246 §6.2.1"],
    cwe: [130, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const { raw } = await deviceHello(lab);
    // Nothing says where the message ends before all of it is there.
    const begin = Buffer.concat([
      Uint8Array.of(HandshakeType.server_hello, 0, 0xff, 0),
      new Uint8Array(2 ** 14 + 2_500),
    ]);
    raw.write(tlsRecord(TlsContentType.handshake, begin), {
      attack: true,
      note: `a record of ${begin.length} bytes`,
    });
    return judgeReaction(lab, raw, "a record that is too long");
  },
});
