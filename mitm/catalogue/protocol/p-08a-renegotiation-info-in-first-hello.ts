import { gatewayAttack } from "../../attack.ts";
import { editClientHello, withExtension } from "../../tls/messages.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import { enterOver, inPlaceOf } from "./at-version.ts";

/** client_verify_data of a connection that there never was. */
const renegotiates = Uint8Array.of(12, ...new Uint8Array(12).fill(7));

export default gatewayAttack({
  id: "P-08a",
  title: "a first ClientHello that says it renegotiates",
  transports: ["tls"],
  defeats: "renegotiation-info-not-checked",
  severity: "medium",
  reference: {
    rfc: ["RFC 5746 §3.6"],
    cwe: [300],
    en303645: ["5.5-1"],
    cra: ["I(2)(d)", "I(2)(f)"],
    also: ["CVE-2009-3555"],
  },
  async run(lab) {
    const outgoing = inPlaceOf("ClientHello", ({ msgType = 0, body }) => [
      {
        kind: "handshake",
        msgType,
        body: editClientHello(body, ({ extensions }) => ({
          extensions: withExtension(extensions, ExtensionType.renegotiation_info, renegotiates),
        })),
        note: "renegotiation_info is not empty",
      },
    ]);
    return lab.judge(await enterOver(lab, "TLS 1.2", { outgoing }));
  },
});
