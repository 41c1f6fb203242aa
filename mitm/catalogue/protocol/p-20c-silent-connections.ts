import { broken, gatewayAttack, held } from "../../attack.ts";
import { handshakeLimit, openSilent, stillOpen } from "./half-open.ts";

export default gatewayAttack({
  id: "P-20c",
  title: "connections on which nothing is said",
  transports: ["tls"],
  defeats: "no-handshake-timeout",
  severity: "medium",
  reference: {
    rfc: ["RFC 4732 §2.1.2"],
    cwe: [400, 772],
    en303645: ["5.5-1"],
    cra: ["I(2)(h)"],
  },
  async run(lab) {
    const all = await openSilent(lab, 16);
    const left = await stillOpen(all, handshakeLimit(lab));
    lab.recorder.receipt(`${all.length} connections were open`);
    if (left === all.length) return broken(`${left} connections without a word are still open`);
    return held(`${all.length - left} of ${all.length} silent connections were closed`, { next: "closed" });
  },
});
