import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { TlsSignatureScheme } from "../../tls/signatures.ts";
import { certificateVerifyOf, enterProving } from "./proof.ts";

export default gatewayAttack({
  id: "G-CERT-14d",
  title: "a proof in the signature scheme of another curve",
  transports: ["tls"],
  defeats: "unoffered-signature-scheme",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.2.3"],
    cwe: [327],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { credential } = lab.attacker;
    if (credential.key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
      throw new NotApplicable("the attacker's key is not on P-256");
    }
    const scheme = TlsSignatureScheme.ecdsa_secp384r1_sha384;
    const tls = { versions: ["TLS 1.3"] } as const;
    const sign: Parameters<typeof enterProving>[2] = (proof) => [certificateVerifyOf(proof.sign({ scheme }))];
    return lab.judge(await enterProving(lab, credential, sign, { tls }));
  },
});
