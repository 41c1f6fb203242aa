import { gatewayAttack } from "../../attack.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { asItIs, enterOver } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18i",
  title: "the ClientHello once more in the middle of a handshake, in TLS 1.3",
  transports: ["tls"],
  defeats: "duplicate-messages-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 8446 §4.1.2"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    let hello: Uint8Array | undefined;
    const entry = await enterOver(lab, "TLS 1.3", {
      outgoing: (message) => {
        if (message.name === "ClientHello") hello ??= message.body;
        if (message.name !== "Certificate" || hello === undefined) return undefined;
        const msgType = HandshakeType.client_hello;
        return [{ kind: "handshake", msgType, body: hello, note: "a second time" }, asItIs(message)];
      },
    });
    return lab.judge(entry);
  },
});
