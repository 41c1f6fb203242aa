import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { anyWords, heardBeforeFinished } from "./unfinished.ts";

export default gatewayAttack({
  id: "P-18a",
  title: "application data before Finished, in TLS 1.3",
  transports: ["tls"],
  defeats: "application-data-before-finished",
  severity: "critical",
  reference: {
    rfc: ["RFC 8446 §2", "RFC 8446 §4.4.4"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const fragment = anyWords(lab);
    // Certificate and CertificateVerify are good; Finished never comes.
    const entry = await heardBeforeFinished(lab, "TLS 1.3", [
      { kind: "record", contentType: ContentType.application_data, fragment, note: "the first words" },
    ]);
    return lab.judge(entry);
  },
});
