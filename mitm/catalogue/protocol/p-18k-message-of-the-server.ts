import { gatewayAttack } from "../../attack.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { asItIs, enterOver, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18k",
  title: "a message that only a server may send, in TLS 1.2",
  transports: ["tls"],
  defeats: "unexpected-messages-ignored",
  severity: "medium",
  reference: {
    rfc: ["RFC 5246 §7.3", "RFC 5246 §7.4.5"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("ClientKeyExchange", (message) => [
      {
        kind: "handshake",
        msgType: HandshakeType.server_hello_done,
        body: new Uint8Array(),
        note: "from a client",
      },
      asItIs(message),
    ]);
    return lab.judge(await enterOver(lab, "TLS 1.2", { outgoing }));
  },
});
