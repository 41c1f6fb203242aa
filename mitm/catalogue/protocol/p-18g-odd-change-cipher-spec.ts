import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { asItIs, enterOver, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18g",
  title: "a ChangeCipherSpec of another value than 1, in TLS 1.3",
  transports: ["tls"],
  defeats: "early-change-cipher-spec",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §5"],
    cwe: [20],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("Certificate", (message) => [
      {
        kind: "record",
        contentType: ContentType.change_cipher_spec,
        fragment: Uint8Array.of(2),
        protected: false,
        note: "of value 2",
      },
      asItIs(message),
    ]);
    return lab.judge(await enterOver(lab, "TLS 1.3", { outgoing }));
  },
});
