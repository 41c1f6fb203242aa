import { gatewayAttack } from "../../attack.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { asItIs, enterOver, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18j",
  title: "a KeyUpdate before Finished, in TLS 1.3",
  transports: ["tls"],
  defeats: "unexpected-messages-ignored",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4.6.3"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("Certificate", (message) => [
      { kind: "handshake", msgType: HandshakeType.key_update, body: Uint8Array.of(0), note: "too early" },
      asItIs(message),
    ]);
    return lab.judge(await enterOver(lab, "TLS 1.3", { outgoing }));
  },
});
