import { gatewayAttack } from "../../attack.ts";
import { certificateVerify, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-11c",
  title: "a proof without its last octet",
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
    const entry = await enterProving(lab, lab.attacker.credential, ({ scheme, signature }) => [
      certificateVerify(scheme, signature.subarray(0, -1)),
    ]);
    return lab.judge(entry);
  },
});
