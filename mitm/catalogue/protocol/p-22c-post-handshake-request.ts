import { broken, deviceAttack, held } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { extension } from "../../tls/extensions.ts";
import { certificateRequest13 } from "../../tls/messages.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import { helloOver } from "./at-version.ts";

export default deviceAttack({
  id: "P-22c",
  title: "a CertificateRequest after the handshake, which the device did not offer to answer",
  transports: ["tls"],
  defeats: "post-handshake-request-answered",
  severity: "low",
  reference: {
    rfc: ["RFC 8446 §4.6.2"],
    cwe: [200],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({ versions: ["TLS 1.3"] });
    const failed = await helloOver(server, "TLS 1.3");
    const result = failed ?? (await server.finish());
    if (!result.completed) throw new Error(`no session with the honest gateway: ${result.how}`);
    if (server.request?.extensions.has(ExtensionType.post_handshake_auth) === true) {
      throw new NotApplicable("the device offers to show its certificate after the handshake");
    }
    const { msgType, body } = certificateRequest13({
      certificateRequestContext: lab.prng.bytes(8),
      extensions: [extension.signatureAlgorithms([0x0403])],
    });
    server.sendHandshake({ msgType, body }, { transcribed: false, attack: true });
    const deadline = performance.now() + lab.patience.silenceMs;
    for (;;) {
      const item = await server.item(Math.max(1, deadline - performance.now()));
      if (item.kind === "handshake") return broken(`the device answers with ${item.message.name}`);
      if (item.kind === "alert") return held(`alert ${item.alert}`, { alert: item.alert, next: "closed" });
      if (item.kind === "closed") return held(item.how, { next: "closed" });
      if (item.kind === "silence") return held("the request was passed over");
    }
  },
});
