import { gatewayAttack } from "../../attack.ts";
import { clientOf, inPlaceOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-18h",
  title: "a second ClientKeyExchange, in TLS 1.2",
  transports: ["tls"],
  defeats: "duplicate-messages-accepted",
  severity: "medium",
  reference: {
    rfc: ["RFC 5246 §7.3"],
    cwe: [696],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["SMACK, IEEE S&P 2015"],
  },
  async run(lab) {
    const client = await clientOf(lab, "TLS 1.2", {
      outgoing: inPlaceOf("CertificateVerify", ({ msgType = 0 }) => {
        const exchange = client.tls12?.clientKeyExchange();
        if (exchange !== undefined) client.replace({ kind: "handshake", ...exchange, note: "a second time" });
        // The secrets are those that follow from it, as in a gateway that works with it, and the signature is over it too.
        client.tls12?.derive();
        const body = client.tls12?.certificateVerify().body ?? new Uint8Array();
        return [{ kind: "handshake", msgType, body }];
      }),
    });
    const result = await client.handshake();
    return lab.judge(result.completed ? await lab.hello(client) : { admitted: false, ...result });
  },
});
