import { gatewayAttack } from "../../attack.ts";
import { clientIdOf } from "../../mqtt/peer.ts";
import { enterProving } from "./proof.ts";
import { requireTls12 } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-12b",
  title: "another device's certificate, and no CertificateVerify, over TLS 1.2",
  transports: ["tls"],
  defeats: "certificate-verify-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.8"],
    cwe: [304, 347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await requireTls12(lab);
    const { attacker, victim } = lab;
    const stolen = { ...victim.credential, key: attacker.credential.key };
    const tls = { versions: ["TLS 1.2"] } as const;
    return lab.judge(await enterProving(lab, stolen, () => [], { clientId: clientIdOf(victim), tls }));
  },
});
