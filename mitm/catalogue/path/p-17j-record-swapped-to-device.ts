import { pairAttack } from "../../attack.ts";
import { tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17j",
  title: "a record to the device that comes after the next one",
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
      note: "in the wrong order",
      rewrite: (records) => records.map(({ bytes }) => bytes).toReversed(),
    }),
});
