import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { extension } from "../../tls/extensions.ts";
import { encryptedExtensions } from "../../tls/messages.ts";
import { helloOver, inPlaceOf } from "./at-version.ts";

export default deviceAttack({
  id: "P-14b",
  title: "a protocol by ALPN that was not offered",
  transports: ["tls"],
  defeats: "alpn-not-checked",
  severity: "low",
  reference: {
    rfc: ["RFC 7301 §3.1"],
    cwe: [436],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({
      versions: ["TLS 1.3"],
      outgoing: inPlaceOf("EncryptedExtensions", ({ msgType = 0 }) => {
        if (server.request?.extensions.applicationProtocols() === undefined) {
          throw new NotApplicable("the device offers no protocol by ALPN");
        }
        const { body } = encryptedExtensions([extension.applicationProtocols(["http/1.1"])]);
        return [{ kind: "handshake", msgType, body, note: "http/1.1" }];
      }),
    });
    const failed = await helloOver(server, "TLS 1.3");
    const result = failed ?? (await server.finish());
    return lab.judge(result.completed ? await lab.trusts(server) : { admitted: false, ...result });
  },
});
