import { gatewayAttack } from "../../attack.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

/** ecdsa_sha1, rsa_pkcs1_sha1, and the same with MD5. */
const broken = [0x0203, 0x0201, 0x0103, 0x0101];

export default gatewayAttack({
  id: "P-04i",
  title: "a ClientHello that takes signatures with SHA-1 and MD5 alone",
  transports: ["tls"],
  defeats: "sha1-signatures-made",
  severity: "medium",
  reference: {
    rfc: ["RFC 9155 §2", "RFC 9155 §4"],
    cwe: [328],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  async run(lab) {
    const hello = firstHello(lab, { cipherSuites: [0xc02b, 0xc02f], signatureSchemes: broken });
    const answer = await answerTo(lab, hello, "signature_algorithms without a good one");
    return judgeAnswer(lab, answer, ({ keyExchange }) => {
      const pointLength = keyExchange?.[3];
      if (keyExchange === undefined || pointLength === undefined) return undefined;
      const scheme = Buffer.from(keyExchange).readUInt16BE(4 + pointLength);
      return broken.includes(scheme)
        ? `ServerKeyExchange is signed in scheme 0x${scheme.toString(16).padStart(4, "0")}`
        : undefined;
    });
  },
});
