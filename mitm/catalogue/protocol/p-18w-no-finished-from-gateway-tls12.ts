import { deviceAttack } from "../../attack.ts";
import { speakWithoutFinished } from "./gateway-unfinished.ts";

export default deviceAttack({
  id: "P-18w",
  title: "a gateway that speaks without having sent Finished, in TLS 1.2",
  transports: ["tls"],
  defeats: "finished-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.9"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  run: async (lab) => lab.judge(await speakWithoutFinished(lab, "TLS 1.2")),
});
