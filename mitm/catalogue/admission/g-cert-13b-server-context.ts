import { gatewayAttack } from "../../attack.ts";
import { certificateVerifyOf, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-13b",
  title: "a proof that was made as a server's",
  transports: ["tls"],
  defeats: "certificate-verify-context-not-checked",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §4.4.3"],
    cwe: [347],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const tls = { versions: ["TLS 1.3"] } as const;
    const sign: Parameters<typeof enterProving>[2] = (proof) => [
      certificateVerifyOf(proof.sign({ context: "server" })),
    ];
    return lab.judge(await enterProving(lab, lab.attacker.credential, sign, { tls }));
  },
});
