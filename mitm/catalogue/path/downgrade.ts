import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Extension, type Hello, versionOf, withoutExtension } from "../../path/hello.ts";
import { helloIn, rewriteTlsHello } from "../../path/rewrite-hello.ts";
import type { TcpConnection } from "../../path/tcp-connection.ts";
import { TlsContentType } from "../../path/tls-record.ts";

const tls13 = 0x0304;
const sentinelAt = 24;
/** RFC 8446 §4.1.3: "DOWNGRD" and 01, or 00, at the end of ServerHello.random. */
const sentinel = Buffer.from("DOWNGRD", "latin1");

/**
 * Takes TLS 1.3 out of the ClientHello, and hands the device the gateway's answer, a ServerHello of TLS 1.2, as `answer`
 * makes it. The device must not go on; what it sends next says whether it does.
 */
export async function downgrade(
  lab: PairLab,
  answer?: (hello: Hello) => Hello,
  note?: string,
): Promise<Finding> {
  const honest = await lab.tcpPath();
  const before = await lab.session(honest);
  if (!(await before.opened)) throw new Error("no session came about that could be compared with");
  const agreed = honest.latest?.recordsFrom("gateway").map(helloIn)[0];
  await before.close();
  await honest.close();
  if (agreed === undefined || versionOf(agreed) < tls13) {
    throw new NotApplicable("the two ends agree on TLS 1.2 by themselves: there is nothing to take away");
  }
  const path = await lab.tcpPath({
    record: (record) => {
      if (record.from === "gateway") {
        const changed = answer && rewriteTlsHello(record, answer);
        return changed && { instead: [changed], ...(note !== undefined && { note }) };
      }
      const changed = rewriteTlsHello(record, (hello) =>
        withoutExtension(hello, Extension.supportedVersions),
      );
      return changed && { instead: [changed], note: "supported_versions taken out" };
    },
  });
  await lab.session(path);
  const connection = await path.connection(0, lab.patience.answerMs);
  if (connection === undefined) throw new NotDelivered("the device did not connect");
  await path.until(() => reactions(connection).length > 0 || !connection.isOpen, lab.patience.answerMs);
  const hello = connection.recordsFrom("gateway").map(helloIn)[0];
  if (hello === undefined)
    return held("the gateway refuses a ClientHello of TLS 1.2", { refusedAt: "ClientHello" });
  if (answer === undefined && !hasSentinel(hello)) {
    return broken("the gateway knows TLS 1.3 but does not say so in its ServerHello of TLS 1.2");
  }
  return judge(connection);
}

/** Records of the device after the gateway's answer. */
function reactions({ records }: TcpConnection) {
  const answered = records.findIndex(({ from }) => from === "gateway");
  return answered < 0 ? [] : records.slice(answered).filter(({ from }) => from === "device");
}

function judge(connection: TcpConnection): Finding {
  const [reaction] = reactions(connection);
  if (reaction !== undefined && reaction.contentType !== TlsContentType.alert) {
    return broken(`the device goes on with ${reaction.what}`);
  }
  if (reaction === undefined && connection.isOpen) {
    return held("the device says nothing more on this connection", { refusedAt: "ServerHello" });
  }
  const alert = reaction?.what.replace("Alert ", "");
  return held(
    alert === undefined ? "the device closes the connection" : `the device answers with alert ${alert}`,
    {
      refusedAt: "ServerHello",
      alert,
    },
  );
}

function hasSentinel({ random }: Hello): boolean {
  return Buffer.compare(random.subarray(sentinelAt, sentinelAt + sentinel.length), sentinel) === 0;
}
