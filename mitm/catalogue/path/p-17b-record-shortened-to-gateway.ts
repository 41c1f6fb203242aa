import { pairAttack } from "../../attack.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17b",
  title: "a record to the gateway that is a byte shorter, as its header says, too",
  transports: ["tls"],
  defeats: "record-mac-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.2", "RFC 5246 §6.2.3.3"],
    cwe: [353, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    tamperWithRecords(lab, {
      to: "gateway",
      records: 1,
      note: "a byte shorter",
      rewrite: ([record]) =>
        record === undefined
          ? []
          : [tlsRecord(TlsContentType.applicationData, record.fragment.subarray(0, -1), record.version)],
    }),
});
