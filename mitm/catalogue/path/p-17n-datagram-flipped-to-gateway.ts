import { pairAttack } from "../../attack.ts";
import { otherEnd } from "../../path/ends.ts";
import { flipBit } from "../../path/weather.ts";
import { catchNext, judgeDropped, openFlow } from "./open-flow.ts";

/** RFC 6655: the shortest tag that there is, of AES-CCM-8. What is encrypted stays: only the tag can tell. */
const tag = 8;

export default pairAttack({
  id: "P-17n",
  title: "a DTLS record to the gateway with one bit of its authentication tag flipped",
  transports: ["dtls"],
  defeats: "record-mac-not-verified",
  severity: "critical",
  reference: { rfc: ["RFC 6347 §4.1.2.7"], cwe: [353, 924], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  async run(lab) {
    const open = await openFlow(lab);
    const { text } = await catchNext(lab, open, otherEnd("gateway"), ({ bytes }) => ({
      instead: [flipBit(bytes, lab.prng, tag)],
      note: "one bit of its tag flipped",
    }));
    return judgeDropped(lab, open, "gateway", "a record that was tampered with", { used: "delivered", text });
  },
});
