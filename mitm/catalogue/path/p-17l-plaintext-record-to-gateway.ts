import { pairAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { tamperWithRecords } from "./tampered-records.ts";

/** MQTT 3.1.1 §3.12: PINGREQ, which every peer takes at any time, so that only TLS can refuse it. */
const pingreq = Uint8Array.of(0xc0, 0);

export default pairAttack({
  id: "P-17l",
  title: "a record to the gateway whose content is not encrypted",
  transports: ["tls"],
  defeats: "unprotected-records-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.2", "RFC 5246 §6.2.3.3"],
    cwe: [319, 345],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    tamperWithRecords(lab, {
      to: "gateway",
      records: 1,
      note: "MQTT PINGREQ in clear before it",
      rewrite: ([record]) => [
        tlsRecord(TlsContentType.applicationData, pingreq),
        ...(record === undefined ? [] : [record.bytes]),
      ],
    }),
});
