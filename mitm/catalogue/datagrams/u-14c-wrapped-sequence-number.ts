import { maxSequence } from "../../../dtls/wire/record.ts";
import { broken, gatewayAttack, held } from "../../attack.ts";
import { integrity, overDtls } from "./reference.ts";
import { sayWrongly, session } from "./words.ts";

export default gatewayAttack({
  id: "U-14c",
  title: "the highest sequence number, and then a low one again",
  transports: overDtls,
  defeats: "sequence-number-wraps",
  severity: "high",
  reference: integrity(["RFC 6347 §4.1", "RFC 6347 §4.1.2.6"], [323, 294]),
  async run(lab) {
    const client = await session(lab);
    await sayWrongly(lab, client, { sequence: maxSequence }, "sequence number 2^48-1");
    const isTaken = await sayWrongly(lab, client, { sequence: 40 }, "sequence number 40, after 2^48-1");
    if (isTaken) return broken("sequence number 40 was taken for newer than 2^48-1");
    return held("it was dropped as old");
  },
});
