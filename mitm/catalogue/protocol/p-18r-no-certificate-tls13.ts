import { deviceAttack } from "../../attack.ts";
import { serveOver, without } from "./at-version.ts";

export default deviceAttack({
  id: "P-18r",
  title: "a gateway without Certificate and CertificateVerify, in TLS 1.3",
  transports: ["tls"],
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.2"],
    cwe: [306, 295],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const outgoing = without("Certificate", "CertificateVerify");
    return lab.judge(await serveOver(lab, "TLS 1.3", { outgoing }));
  },
});
