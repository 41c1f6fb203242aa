import { gatewayAttack } from "../../attack.ts";
import { enterProving } from "./proof.ts";
import { requireTls12 } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-12d",
  title: "neither Certificate nor CertificateVerify, over TLS 1.2",
  transports: ["tls"],
  defeats: "certificate-message-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.6"],
    cwe: [304, 306],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await requireTls12(lab);
    const without = ["Certificate", "CertificateVerify"];
    const tls = { versions: ["TLS 1.2"] } as const;
    return lab.judge(await enterProving(lab, lab.attacker.credential, () => [], { without, tls }));
  },
});
