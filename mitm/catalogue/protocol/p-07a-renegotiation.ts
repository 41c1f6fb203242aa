import { broken, gatewayAttack, held } from "../../attack.ts";
import { clientOf } from "./at-version.ts";

export default gatewayAttack({
  id: "P-07a",
  title: "a renegotiation that the client begins",
  transports: ["tls"],
  defeats: "renegotiates",
  severity: "medium",
  reference: {
    rfc: ["RFC 9325 §3.5"],
    cwe: [400, 300],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["CVE-2009-3555"],
  },
  async run(lab) {
    const client = await clientOf(lab, "TLS 1.2");
    const first = await client.handshake();
    if (!first.completed) throw new Error(`no session for an identity that is a good one: ${first.how}`);
    lab.recorder.step({
      connection: client.connection,
      from: "lab",
      to: "gateway",
      what: "a renegotiation begins",
      attack: true,
    });
    const again = await client.renegotiate();
    if (again.completed) return broken("the gateway renegotiates");
    return held(again.how, { refusedAt: "ClientHello", alert: again.alert });
  },
});
