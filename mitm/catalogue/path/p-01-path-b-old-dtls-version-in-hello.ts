import { broken, held, pairAttack } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import { handshakeIn } from "../../path/datagram-record.ts";
import { readServerHello } from "../../path/hello.ts";
import { rewriteDtlsClientHello } from "../../path/rewrite-hello.ts";
import { helloPatience, noHello } from "./changed-hello.ts";

const dtls10 = 0xfeff;
const serverHello = 2;

export default pairAttack({
  id: "P-01-path-b",
  title: "a ClientHello that offers no more than DTLS 1.0, rewritten on its way",
  transports: ["dtls"],
  defeats: "legacy-version-accepted",
  severity: "high",
  reference: { rfc: ["RFC 9325 §3.1.2"], cwe: [757], en303645: ["5.5-1"], cra: ["I(2)(e)"] },
  async run(lab) {
    let passed = false;
    const path = await lab.udpPath({
      datagram: ({ from, records }) => {
        if (from !== "device") return undefined;
        const instead = rewriteDtlsClientHello(records, (hello) => ({ ...hello, version: dtls10 }));
        passed ||= instead !== undefined;
        return instead && { instead: [instead], note: "client_version DTLS 1.0" };
      },
    });
    await lab.session(path);
    await path.until(() => passed, helloPatience(lab));
    const flow = path.latest;
    if (flow === undefined) throw new NotDelivered("the device sent nothing");
    if (!passed) throw new NotDelivered(noHello);
    const alert = () =>
      flow
        .from("gateway")
        .find(({ what }) => what.startsWith("Alert "))
        ?.what.slice(6);
    const answer = () =>
      handshakeIn(flow.from("gateway").flatMap(({ records }) => records)).find(
        ({ msgType, fragmentOffset }) => msgType === serverHello && fragmentOffset === 0,
      );
    await path.until(() => alert() !== undefined || answer() !== undefined, lab.patience.answerMs);
    const hello = answer();
    if (hello !== undefined) {
      // What is cut off behind it does not matter.
      const version =
        readServerHello(hello.body)?.version ?? (hello.body[0] ?? 0) * 256 + (hello.body[1] ?? 0);
      if (version === dtls10) return broken("the gateway answers with a ServerHello of DTLS 1.0");
      return held("the gateway insists on a newer version", { next: "went on" });
    }
    const name = alert();
    return name === undefined
      ? held(`the gateway answers with no ServerHello for ${lab.patience.answerMs} ms`, {
          refusedAt: "ClientHello",
        })
      : held(`the gateway answers with alert ${name}`, { refusedAt: "ClientHello", alert: name });
  },
});
