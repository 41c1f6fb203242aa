import { pairAttack } from "../../attack.ts";
import { tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17i",
  title: "a record to the device that is left out, while the next one passes",
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
      records: 2,
      note: "the record before it was dropped",
      rewrite: ([, record]) => (record === undefined ? [] : [record.bytes]),
    }),
});
