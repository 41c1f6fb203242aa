import { pairAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { tamperWithRecords } from "./tampered-records.ts";

/** MQTT 3.1.1 §3.13: PINGRESP, which every peer takes at any time, so that only TLS can refuse it. */
const pingresp = Uint8Array.of(0xd0, 0);

export default pairAttack({
  id: "P-17m",
  title: "a record to the device whose content is not encrypted",
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
      to: "device",
      records: 1,
      note: "MQTT PINGRESP in clear before it",
      rewrite: ([record]) => [
        tlsRecord(TlsContentType.applicationData, pingresp),
        ...(record === undefined ? [] : [record.bytes]),
      ],
    }),
});
