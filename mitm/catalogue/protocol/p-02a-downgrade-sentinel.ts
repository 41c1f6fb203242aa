import { deviceAttack } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import { editServerHello } from "../../tls/messages.ts";
import { downgradeSentinel, ProtocolVersion } from "../../tls/numbers.ts";
import { helloOver, inPlaceOf } from "./at-version.ts";

export default deviceAttack({
  id: "P-02a",
  title: "a downgrade to TLS 1.2 that the server marks",
  transports: ["tls"],
  defeats: "downgrade-sentinel-ignored",
  severity: "high",
  reference: {
    rfc: ["RFC 8446 §4.1.3"],
    cwe: [757],
    en303645: ["5.5-1"],
    cra: ["I(2)(e)", "I(2)(f)"],
  },
  async run(lab) {
    const server = await lab.acceptTls({
      versions: ["TLS 1.2"],
      outgoing: inPlaceOf("ServerHello", ({ msgType = 0, body }) => {
        const offered = server.request?.extensions.supportedVersions() ?? [];
        if (!offered.includes(ProtocolVersion.TLS_1_3))
          throw new NotApplicable("the device does not offer TLS 1.3");
        const marked = editServerHello(body, ({ random }) => ({
          random: Buffer.concat([random.subarray(0, 24), downgradeSentinel.toTls12]),
        }));
        return [{ kind: "handshake", msgType, body: marked, note: "TLS 1.2, and the mark of a downgrade" }];
      }),
    });
    const failed = await helloOver(server, "TLS 1.2");
    const result = failed ?? (await server.finish());
    return lab.judge(result.completed ? await lab.trusts(server) : { admitted: false, ...result });
  },
});
