import { gatewayAttack } from "../../attack.ts";
import { TlsSignatureScheme } from "../../tls/signatures.ts";
import { certificateVerifyOf, enterProving } from "./proof.ts";
import { requireTls12 } from "./registered.ts";

const { ecdsa_sha1, rsa_pkcs1_sha1 } = TlsSignatureScheme;

export default gatewayAttack({
  id: "G-CERT-14b",
  title: "a proof with SHA-1, over TLS 1.2",
  transports: ["tls"],
  defeats: "unoffered-signature-scheme",
  severity: "medium",
  reference: {
    rfc: ["RFC 9155 §5"],
    cwe: [327, 328],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    await requireTls12(lab);
    const { credential } = lab.attacker;
    const scheme = credential.key.asymmetricKeyType === "rsa" ? rsa_pkcs1_sha1 : ecdsa_sha1;
    const tls = { versions: ["TLS 1.2"] } as const;
    const sign: Parameters<typeof enterProving>[2] = (proof) => [certificateVerifyOf(proof.sign({ scheme }))];
    return lab.judge(await enterProving(lab, credential, sign, { tls }));
  },
});
