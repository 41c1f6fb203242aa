import { gatewayAttack } from "../../attack.ts";
import { answerTo, judgeAnswer } from "./first-hello.ts";

/** RFC 5246 §E.2: the specs of a hello of that form have three bytes. */
const specs = [0xc02b, 0xc02f, 0xc009, 0xc013, 0x002f];

export default gatewayAttack({
  id: "P-01d",
  title: "a ClientHello in the form of SSL 2.0",
  transports: ["tls"],
  defeats: "ssl2-hello-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 6176 §3", "RFC 8446 §D.5"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  async run(lab) {
    const cipherSpecs = Uint8Array.from(specs.flatMap((spec) => [0, spec >> 8, spec & 0xff]));
    const challenge = lab.prng.bytes(32);
    // msg_type, version, then the lengths of the specs, of the session id and of the challenge.
    const head = Uint8Array.of(1, 3, 3, 0, cipherSpecs.length, 0, 0, 0, challenge.length);
    const length = head.length + cipherSpecs.length + challenge.length;
    const record = Buffer.concat([
      Uint8Array.of(0x80 | (length >> 8), length & 0xff),
      head,
      cipherSpecs,
      challenge,
    ]);
    const answer = await answerTo(lab, record, "a CLIENT-HELLO of SSL 2.0 that asks for TLS 1.2");
    return judgeAnswer(lab, answer, ({ hello, oddBytes }) => {
      if (hello !== undefined) return "the gateway answers it with a ServerHello";
      // The 2-byte header of SSL 2.0, and SERVER-HELLO.
      const isSsl2 = oddBytes !== undefined && ((oddBytes[0] ?? 0) & 0x80) !== 0 && oddBytes[2] === 4;
      return isSsl2 ? "the gateway answers in SSL 2.0" : undefined;
    });
  },
});
