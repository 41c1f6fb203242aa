import { gatewayAttack } from "../../attack.ts";
import { certificateVerify, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-11b",
  title: "a proof with a bit flipped",
  transports: ["tls", "dtls"],
  defeats: "certificate-verify-not-verified",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.3", "RFC 5246 §7.4.8"],
    cwe: [347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const entry = await enterProving(lab, lab.attacker.credential, ({ scheme, signature }) => {
      const at = lab.prng.below(signature.length - 8) + 8;
      return [
        certificateVerify(
          scheme,
          signature.map((octet, n) => (n === at ? octet ^ 1 : octet)),
        ),
      ];
    });
    return lab.judge(entry);
  },
});
