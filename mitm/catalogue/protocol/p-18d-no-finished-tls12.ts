import { gatewayAttack } from "../../attack.ts";
import { clientOf, without } from "./at-version.ts";
import { answered, anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18d",
  title: "a session without Finished, in TLS 1.2",
  transports: ["tls"],
  defeats: "finished-not-required",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.9"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const packet = anyWords(lab);
    const client = await clientOf(lab, "TLS 1.2", { outgoing: without("Finished") });
    const failed = await client.hello();
    if (failed !== undefined) return lab.judge({ admitted: false, ...failed });
    client.ownFlight();
    client.send(packet, { attack: true, note: "where Finished should have been" });
    const result = await client.finish();
    return lab.judge(result.completed ? await answered(lab, client) : { admitted: false, ...result });
  },
});
