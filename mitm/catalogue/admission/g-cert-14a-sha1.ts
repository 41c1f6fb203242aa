import { gatewayAttack } from "../../attack.ts";
import { TlsSignatureScheme } from "../../tls/signatures.ts";
import { certificateVerifyOf, enterProving } from "./proof.ts";

const { ecdsa_sha1, rsa_pkcs1_sha1 } = TlsSignatureScheme;

export default gatewayAttack({
  id: "G-CERT-14a",
  title: "a proof with SHA-1",
  transports: ["tls", "dtls"],
  defeats: "unoffered-signature-scheme",
  severity: "medium",
  reference: {
    rfc: ["RFC 9155 §5", "RFC 8446 §4.2.3"],
    cwe: [327, 328],
    en303645: ["5.5-1", "5.5-4"],
    cra: ["I(2)(d)"],
  },
  async run(lab) {
    const { credential } = lab.attacker;
    const scheme = credential.key.asymmetricKeyType === "rsa" ? rsa_pkcs1_sha1 : ecdsa_sha1;
    return lab.judge(
      await enterProving(lab, credential, (proof) => [certificateVerifyOf(proof.sign({ scheme }))]),
    );
  },
});
