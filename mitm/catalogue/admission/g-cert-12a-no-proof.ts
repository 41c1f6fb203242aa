import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-12a",
  title: "another device's certificate, and no CertificateVerify",
  transports: ["tls", "dtls"],
  defeats: "certificate-verify-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.3", "RFC 5246 §7.4.8"],
    cwe: [304, 347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { attacker, victim } = lab;
    const stolen = { ...victim.credential, key: attacker.credential.key };
    return lab.judge(await enterProving(lab, stolen, () => [], { clientId: clientIdOf(victim) }));
  },
});
