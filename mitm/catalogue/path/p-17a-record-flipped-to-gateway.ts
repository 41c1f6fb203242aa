import { pairAttack } from "../../attack.ts";
import { flipBit } from "../../path/weather.ts";
import { tamperWithRecords } from "./tampered-records.ts";

export default pairAttack({
  id: "P-17a",
  title: "a record to the gateway with one bit flipped",
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
      note: "one bit flipped",
      rewrite: ([record], { prng }) =>
        record === undefined ? [] : [flipBit(record.bytes, prng, record.fragment.length)],
    }),
});
