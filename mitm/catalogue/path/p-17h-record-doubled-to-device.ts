import { pairAttack } from "../../attack.ts";
import { tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17h",
  title: "a record to the device that comes twice",
  transports: ["tls"],
  defeats: "record-sequence-not-checked",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §5.3", "RFC 5246 §6.2.3.3"],
    cwe: [294, 924],
    en303645: ["5.5-1"],
    cra: ["I(2)(f)"],
  },
  run: (lab) =>
    tamperWithRecords(lab, {
      to: "device",
      records: 1,
      note: "twice",
      rewrite: ([record]) => (record === undefined ? [] : [record.bytes, record.bytes]),
    }),
});
