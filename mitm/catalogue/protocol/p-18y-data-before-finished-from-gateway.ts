import { deviceAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { asItIs, inPlaceOf, serveOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-18y",
  title: "application data of the gateway before its Finished, in TLS 1.3",
  transports: ["tls"],
  defeats: "application-data-before-finished",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §2"],
    cwe: [696, 841],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("Finished", (message) => [
      {
        kind: "record",
        contentType: ContentType.application_data,
        fragment: Uint8Array.of(0x20, 2, 0, 0),
        note: "CONNACK",
      },
      asItIs(message),
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.3", { outgoing }));
  },
});
