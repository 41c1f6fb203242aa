import { gatewayAttack } from "../../attack.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

export default gatewayAttack({
  id: "P-04h",
  title: "a ClientHello that wants compression",
  transports: ["tls"],
  defeats: "compression-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 9325 §3.3"],
    cwe: [203],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
    also: ["CVE-2012-4929"],
  },
  async run(lab) {
    // RFC 3749 §2: DEFLATE is 1. RFC 5246 §7.4.1.2: null must be among them too.
    const hello = firstHello(lab, { cipherSuites: [0xc02b, 0xc02f], compressionMethods: [1, 0] });
    const answer = await answerTo(lab, hello, "DEFLATE before null");
    return judgeAnswer(lab, answer, (got) =>
      got.hello?.compressionMethod === 1 ? "the gateway goes on with DEFLATE" : undefined,
    );
  },
});
