import { deviceAttack } from "../../attack.ts";
import { editServerHello } from "../../tls/messages.ts";
import { inPlaceOf, serveOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-05h",
  title: "a ServerHello that chooses compression",
  transports: ["tls"],
  defeats: "compression-accepted",
  severity: "low",
  reference: {
    rfc: ["RFC 5246 §7.4.1.3", "RFC 9325 §3.3"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("ServerHello", ({ msgType = 0, body }) => [
      {
        kind: "handshake",
        msgType,
        body: editServerHello(body, () => ({ compressionMethod: 1 })),
        note: "DEFLATE",
      },
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.2", { outgoing }));
  },
});
