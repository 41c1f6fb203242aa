import { broken, deviceAttack, held } from "../../attack.ts";
import { HandshakeType } from "../../tls/numbers.ts";
import { helloOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-07b",
  title: "a renegotiation that the gateway asks for",
  transports: ["tls"],
  defeats: "renegotiates",
  severity: "low",
  reference: {
    rfc: ["RFC 9325 §3.5", "RFC 5246 §7.4.1.1"],
    cwe: [300],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({ versions: ["TLS 1.2"] });
    const failed = await helloOver(server, "TLS 1.2");
    const result = failed ?? (await server.finish());
    if (!result.completed) throw new Error(`no session with the honest gateway: ${result.how}`);
    server.sendHelloRequest({ attack: true });
    const deadline = performance.now() + lab.patience.silenceMs;
    for (;;) {
      // What the device says in the honest session is its own affair.
      const item = await server.item(Math.max(1, deadline - performance.now()));
      if (item.kind === "handshake" && item.message.msgType === HandshakeType.client_hello) {
        return broken("the device renegotiates");
      }
      if (item.kind === "alert") return held(`alert ${item.alert}`, { alert: item.alert });
      if (item.kind === "closed") return held(item.how);
      if (item.kind === "silence") return held("the request was passed over");
    }
  },
});
