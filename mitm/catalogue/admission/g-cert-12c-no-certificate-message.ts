import { gatewayAttack } from "../../attack.ts";
import { enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-12c",
  title: "neither Certificate nor CertificateVerify",
  transports: ["tls", "dtls"],
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.2", "RFC 5246 §7.4.6"],
    cwe: [304, 306],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const without = ["Certificate", "CertificateVerify"];
    return lab.judge(await enterProving(lab, lab.attacker.credential, () => [], { without }));
  },
});
