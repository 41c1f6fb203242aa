import { gatewayAttack } from "../../attack.ts";
import { clientOf, without } from "./at-version.ts";
import { answered, anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18c",
  title: "a session without Finished, in TLS 1.3",
  transports: ["tls"],
  defeats: "finished-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §4.4.4"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const words = anyWords(lab);
    const client = await clientOf(lab, "TLS 1.3", { outgoing: without("Finished") });
    const result = await client.handshake();
    if (!result.completed) return lab.judge({ admitted: false, ...result });
    client.send(words, { attack: true, note: "where Finished should have been" });
    return lab.judge(await answered(lab, client));
  },
});
