import { gatewayAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { TlsSignatureScheme } from "../../tls/signatures.ts";
import { certificateVerifyOf, enterProving } from "./proof.ts";
import { leafOf } from "./registered.ts";

export default gatewayAttack({
  id: "G-CERT-14c",
  title: "a proof with RSASSA-PKCS1-v1_5 in TLS 1.3",
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
    const { forge, attacker, target } = lab;
    const tls = { versions: ["TLS 1.3"] } as const;
    const credential = await forge.device({ id: attacker.deviceId, key: "rsa:2048" });
    await target.register?.(leafOf(credential), attacker.deviceId);
    const honest = await lab.enter(credential, { tls, marks: [] });
    if (!honest.admitted) throw new NotApplicable(`a device with an RSA key is not let in: ${honest.how}`);
    const scheme = TlsSignatureScheme.rsa_pkcs1_sha256;
    const sign: Parameters<typeof enterProving>[2] = (proof) => [certificateVerifyOf(proof.sign({ scheme }))];
    return lab.judge(await enterProving(lab, credential, sign, { tls }));
  },
});
