import { gatewayAttack } from "../../attack.ts";
import { enterOver, without } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18e",
  title: "a Finished in clear, without ChangeCipherSpec, in TLS 1.2",
  transports: ["tls"],
  defeats: "change-cipher-spec-not-required",
  severity: "high",
  reference: {
    rfc: ["RFC 5246 §7.4.9"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  run: async (lab) => lab.judge(await enterOver(lab, "TLS 1.2", { outgoing: without("ChangeCipherSpec") })),
});
