import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { clientOf } from "./at-version.ts";
import { answered, anyWords } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18o",
  title: "application data in clear in a session of TLS 1.2",
  transports: ["tls"],
  defeats: "unprotected-records-accepted",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §6.2.3"],
    cwe: [311, 353],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const packet = anyWords(lab);
    const client = await clientOf(lab, "TLS 1.2");
    const result = await client.handshake();
    if (!result.completed) throw new Error(`no session for an identity that is a good one: ${result.how}`);
    client.replace({
      kind: "record",
      contentType: ContentType.application_data,
      fragment: packet,
      protected: false,
      note: "in clear",
    });
    return lab.judge(await answered(lab, client));
  },
});
