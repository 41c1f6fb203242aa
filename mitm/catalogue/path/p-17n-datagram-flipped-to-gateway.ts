import { pairAttack } from "../../attack.ts";
import { otherEnd } from "../../path/ends.ts";
import { flipBit } from "../../path/weather.ts";
import { catchNext, judgeDropped, openFlow } from "./open-flow.ts";

export default pairAttack({
  id: "P-17n",
  title: "a DTLS record to the gateway with one bit flipped",
  transports: ["dtls"],
  defeats: "record-mac-not-verified",
  severity: "critical",
  reference: { rfc: ["RFC 6347 §4.1.2.7"], cwe: [353, 924], en303645: ["5.5-1"], cra: ["I(2)(f)"] },
  async run(lab) {
    const open = await openFlow(lab);
    await catchNext(lab, open, otherEnd("gateway"), ({ bytes, fragment }) => ({
      instead: [flipBit(bytes, lab.prng, fragment.length)],
      note: "one bit flipped",
    }));
    return judgeDropped(lab, open, "gateway", "a record that was tampered with", "delivered");
  },
});
