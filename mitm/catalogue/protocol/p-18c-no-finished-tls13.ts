import { gatewayAttack } from "../../attack.ts";
import { enterOver, without } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18c",
  title: "a session without Finished, in TLS 1.3",
  transports: ["tls"],
  defeats: "finished-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  run: async (lab) => lab.judge(await enterOver(lab, "TLS 1.3", { outgoing: without("Finished") })),
});
