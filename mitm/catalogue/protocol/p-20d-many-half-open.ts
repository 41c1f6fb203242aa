import { broken, gatewayAttack, held } from "../../attack.ts";
import { openSilent, refusedAtOnce } from "./half-open.ts";
import { refusalMs } from "./refusal.ts";

export default gatewayAttack({
  id: "P-20d",
  title: "300 handshakes at once from one address",
  transports: ["tls"],
  defeats: "half-open-unbounded",
  severity: "low",
  reference: {
    rfc: ["RFC 4732 §2.1.2"],
    cwe: [400, 770],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const all = await openSilent(lab, 300);
    lab.recorder.receipt(`${all.length} connections were open`);
    const refused = await refusedAtOnce(lab, all, refusalMs(lab.patience));
    if (refused === 0) return broken(`all of ${all.length} half-open handshakes are kept`);
    return held(`${refused} of ${all.length} connections were refused`, { next: "closed" });
  },
});
