import { deviceAttack } from "../../attack.ts";
import { editServerHello, withExtension } from "../../tls/messages.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import { inPlaceOf, serveOver } from "./at-version.ts";

/** verify_data of both ends of a connection that there never was. */
const renegotiates = Uint8Array.of(24, ...new Uint8Array(24).fill(7));

export default deviceAttack({
  id: "P-08b",
  title: "a first ServerHello that says it renegotiates",
  transports: ["tls"],
  defeats: "renegotiation-info-not-checked",
  severity: "medium",
  reference: {
    rfc: ["RFC 5746 §3.4"],
    cwe: [300],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
    also: ["CVE-2009-3555"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("ServerHello", ({ msgType = 0, body }) => [
      {
        kind: "handshake",
        msgType,
        body: editServerHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.renegotiation_info, renegotiates),
        })),
        note: "renegotiation_info is not empty",
      },
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.2", { outgoing }));
  },
});
