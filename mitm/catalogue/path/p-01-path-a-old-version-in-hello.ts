import { broken, held, inconclusive, pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { Extension, withoutExtension } from "../../path/hello.ts";
import { alertName } from "../../path/names.ts";
import { helloIn, rewriteTlsHello } from "../../path/rewrite-hello.ts";
import { TlsContentType } from "../../path/tls-record.ts";

const tls11 = 0x0302;
const tls12 = 0x0303;

export default pairAttack({
  id: "P-01-path-a",
  title: "a ClientHello that offers no more than TLS 1.1, rewritten on its way",
  transports: ["tls"],
  defeats: "legacy-version-accepted",
  severity: "high",
  reference: { rfc: ["RFC 8996 §5", "RFC 9325 §3.1.1"], cwe: [757], en303645: ["5.5-1"], cra: ["I(2)(e)"] },
  async run(lab) {
    const path = await lab.tcpPath({
      record: (record) => {
        if (record.from !== "device") return undefined;
        const changed = rewriteTlsHello(record, (hello) => ({
          ...withoutExtension(hello, Extension.supportedVersions),
          version: tls11,
        }));
        return changed && { instead: [changed], note: "TLS 1.1, supported_versions taken out" };
      },
    });
    await lab.session(path);
    const connection = await path.connection(0, lab.patience.answerMs);
    if (connection === undefined) throw new NotDelivered("the device did not connect");
    const answered = () => connection.recordsFrom("gateway").length > 0;
    await path.until(() => answered() || connection.ended("gateway") !== undefined, lab.patience.answerMs);
    const [answer] = connection.recordsFrom("gateway");
    const hello = answer && helloIn(answer);
    if (hello !== undefined && hello.version < tls12) {
      return broken(`the gateway answers with a ServerHello of version 0x${hello.version.toString(16)}`);
    }
    if (hello !== undefined) return held("the gateway insists on a newer version", { next: "went on" });
    if (answer?.contentType === TlsContentType.alert) {
      const alert = alertName(answer.fragment[1] ?? 255);
      return held(`the gateway answers with alert ${alert}`, { refusedAt: "ClientHello", alert });
    }
    return connection.ended("gateway") === undefined
      ? inconclusive("the gateway answers nothing and keeps the connection")
      : held("the gateway closes the connection", { refusedAt: "ClientHello" });
  },
});
