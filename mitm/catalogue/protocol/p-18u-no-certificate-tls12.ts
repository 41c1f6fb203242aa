import { deviceAttack } from "../../attack.ts";
import { serveOver, without } from "./at-version.ts";

export default deviceAttack({
  id: "P-18u",
  title: "a gateway without Certificate, in TLS 1.2",
  transports: ["tls"],
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8422 §5.3", "RFC 5246 §7.4.2"],
    cwe: [306, 295],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  run: async (lab) => lab.judge(await serveOver(lab, "TLS 1.2", { outgoing: without("Certificate") })),
});
