import { gatewayAttack } from "../../attack.ts";
import { ContentType } from "../../tls/numbers.ts";
import { asItIs, enterOver, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18n",
  title: "handshake records without content, in TLS 1.3",
  transports: ["tls"],
  defeats: "empty-records-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §5.1"],
    cwe: [400, 20],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
  },
  async run(lab) {
    const contentType = ContentType.handshake;
    const empty = {
      kind: "record",
      contentType,
      fragment: new Uint8Array(),
      note: "without content",
    } as const;
    const outgoing = inPlaceOf("Certificate", (message) => [empty, asItIs(message)]);
    return lab.judge(await enterOver(lab, "TLS 1.3", { outgoing }));
  },
});
