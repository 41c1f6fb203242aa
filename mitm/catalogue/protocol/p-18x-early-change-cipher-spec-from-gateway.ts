import { deviceAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { asItIs, inPlaceOf, serveOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-18x",
  title: "a ChangeCipherSpec before the keys are agreed on, from the gateway, in TLS 1.2",
  transports: ["tls"],
  defeats: "early-change-cipher-spec",
  severity: "high",
  reference: {
    rfc: ["RFC 5246 §7.1"],
    cwe: [696, 325],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["CVE-2014-0224"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("Certificate", (message) => [
      {
        kind: "record",
        contentType: ContentType.change_cipher_spec,
        fragment: Uint8Array.of(1),
        note: "right after ServerHello",
      },
      asItIs(message),
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.2", { outgoing }));
  },
});
