import { deviceAttack } from "../../attack.ts";
import { serveOver, without } from "./at-version.ts";

export default deviceAttack({
  id: "P-18s",
  title: "a gateway without CertificateVerify, in TLS 1.3",
  transports: ["tls"],
  defeats: "certificate-verify-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.3"],
    cwe: [306, 347],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  run: async (lab) => lab.judge(await serveOver(lab, "TLS 1.3", { outgoing: without("CertificateVerify") })),
});
