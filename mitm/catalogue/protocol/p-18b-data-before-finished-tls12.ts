import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { anyWords, heardBeforeFinished } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18b",
  title: "application data in clear before ChangeCipherSpec, in TLS 1.2",
  transports: ["tls"],
  defeats: "application-data-before-finished",
  severity: "critical",
  reference: {
    rfc: ["RFC 5246 §7.4.9"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const fragment = anyWords(lab);
    const entry = await heardBeforeFinished(lab, "TLS 1.2", [
      {
        kind: "record",
        contentType: ContentType.application_data,
        fragment,
        protected: false,
        note: "the first words",
      },
    ]);
    return lab.judge(entry);
  },
});
