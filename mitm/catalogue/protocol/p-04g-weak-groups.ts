import { gatewayAttack } from "../../attack.ts";
import { answerTo, firstHello, judgeAnswer } from "./first-hello.ts";

/** RFC 8422 §5.1.1 deprecates them: sect163k1, sect163r2, secp160r1, secp192r1, secp192k1. */
const weakGroups = [1, 3, 16, 19, 18];

export default gatewayAttack({
  id: "P-04g",
  title: "a ClientHello with groups of 160 and 192 bits alone",
  transports: ["tls"],
  defeats: "weak-groups-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 8422 §5.1.1", "RFC 9325 §4.5"],
    cwe: [326],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)"],
  },
  async run(lab) {
    const hello = firstHello(lab, { cipherSuites: [0xc02b, 0xc02c, 0xc02f, 0xc030], groups: weakGroups });
    const answer = await answerTo(lab, hello, "no group of 224 bits or more");
    return judgeAnswer(lab, answer, ({ keyExchange }) => {
      const group = keyExchange === undefined ? 0 : ((keyExchange[1] ?? 0) << 8) | (keyExchange[2] ?? 0);
      return weakGroups.includes(group) ? `the gateway agrees on a key in group ${group}` : undefined;
    });
  },
});
