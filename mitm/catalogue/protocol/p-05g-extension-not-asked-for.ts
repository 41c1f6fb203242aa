import { deviceAttack } from "../../attack.ts";
import { extension } from "../../tls/extensions.ts";
import { encryptedExtensions } from "../../tls/messages.ts";
import { inPlaceOf, serveOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-05g",
  title: "an extension that was not asked for",
  transports: ["tls"],
  defeats: "unsolicited-extension",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.2"],
    cwe: [20],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    // early_data: that data was taken which was never sent.
    const outgoing = inPlaceOf("EncryptedExtensions", ({ msgType = 0 }) => [
      {
        kind: "handshake",
        msgType,
        body: encryptedExtensions([extension.earlyData()]).body,
        note: "early_data was not offered",
      },
    ]);
    return lab.judge(await serveOver(lab, "TLS 1.3", { outgoing }));
  },
});
