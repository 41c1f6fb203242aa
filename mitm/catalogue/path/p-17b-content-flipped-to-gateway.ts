import { pairAttack } from "../../attack.ts";
import { tamperWithRecords } from "./tampered-records.ts";

/**
 * From the end of a record: a tag of 16 bytes, in TLS 1.3 the content type (RFC 8446 §5.2), and the last letters of what is
 * said.
 */
const lastLetters = 20;

export default pairAttack({
  id: "P-17b",
  title: "a record to the gateway with one bit of its content flipped",
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
      note: "one bit of its content flipped",
      rewrite: ([record]) => (record === undefined ? [] : [altered(record.bytes)]),
    }),
});

function altered(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = copy.length - lastLetters;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}
