import { broken, gatewayAttack, held } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { refusalMs } from "./refusal.ts";

/** More than any hello has, and little enough for every target. */
const floodBytes = 2 ** 18;

export default gatewayAttack({
  id: "P-20a",
  title: "a handshake message that says it has 16 MB",
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
    const raw = await lab.tcp();
    const begin = Buffer.concat([
      Uint8Array.of(HandshakeType.client_hello, 0xff, 0xff, 0xff),
      new Uint8Array(8_188),
    ]);
    raw.write(tlsRecord(TlsContentType.handshake, begin), { attack: true, note: "the beginning of 16 MB" });
    for (let sent = begin.length; sent < floodBytes && raw.ended === undefined; sent += 2 ** 14) {
      raw.write(tlsRecord(TlsContentType.handshake, new Uint8Array(2 ** 14)), { what: "more of it" });
    }
    const next = await raw.read(refusalMs(lab.patience));
    if (next.kind === "alert")
      return held(`alert ${next.alert}`, { refusedAt: "ClientHello", alert: next.alert });
    if (next.kind === "closed") return held(next.how, { refusedAt: "ClientHello" });
    return broken(`the gateway takes ${floodBytes} bytes of a hello, and waits for more`);
  },
});
