import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { extension } from "../../tls/extensions.ts";
import { HandshakeType, helloRetryRequestRandom, ProtocolVersion } from "../../tls/numbers.ts";
import { answerWith, deviceHello13, handshakeMessage, judgeReaction } from "./device-hello.ts";

export default deviceAttack({
  id: "P-05e",
  title: "a second HelloRetryRequest",
  transports: ["tls"],
  defeats: "second-hello-retry-request",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.1.4"],
    cwe: [835],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const { raw, hello } = await deviceHello13(lab);
    const fields = {
      serverVersion: ProtocolVersion.TLS_1_2,
      random: helloRetryRequestRandom,
      sessionId: hello.sessionId,
      cipherSuite: hello.cipherSuites.find((suite) => suite >> 8 === 0x13) ?? 0x1301,
      compressionMethod: 0,
    };
    const selected = extension.selectedVersion(ProtocolVersion.TLS_1_3);
    const retry = () => [selected, extension.cookie(lab.prng.bytes(16))];
    answerWith(raw, { ...fields, extensions: retry() }, "asks for the hello once more");
    if ((await handshakeMessage(lab, raw, HandshakeType.client_hello)) === undefined) {
      throw new NotApplicable("the device does not answer a HelloRetryRequest that asks for a cookie alone");
    }
    answerWith(raw, { ...fields, extensions: retry() }, "asks for the hello a third time");
    return judgeReaction(lab, raw, "a second HelloRetryRequest");
  },
});
