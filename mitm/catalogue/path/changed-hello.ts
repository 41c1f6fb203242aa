import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Extension, extensionOf, type Hello, versionOf, withoutExtension } from "../../path/hello.ts";
import { helloIn, rewriteDtlsClientHello, rewriteTlsHello } from "../../path/rewrite-hello.ts";
import type { TcpConnection } from "../../path/tcp-connection.ts";
import { TlsContentType } from "../../path/tls-record.ts";

export interface HelloChange {
  readonly note: string;
  /** Undefined where this hello has nothing of the kind to change. */
  readonly change: (hello: Hello) => Hello | undefined;
}

/**
 * Changes each ClientHello to something that the gateway may well go along with: only the comparison of what both ends saw
 * can tell (RFC 8446 §4.4.4, RFC 5246 §7.4.9). extended_master_secret is such a comparison, too, so before TLS 1.3 it is
 * taken out in a second attempt: a gateway that demands it refuses that one for another reason, and the first tells.
 *
 * @throws NotApplicable where there was nothing to change
 */
export async function changeHello(lab: PairLab, change: HelloChange): Promise<Finding> {
  const first = await attempt(lab, change, false);
  if (first.opened) return broken(`a session was opened although ${differing}`);
  if (!first.hadMasterSecret || first.isTls13) return held(first.how);
  const second = await attempt(lab, change, true);
  if (second.opened)
    return broken(`a session without extended_master_secret was opened although ${differing}`);
  return held(`${first.how}; without extended_master_secret: ${second.how}`);
}

const differing = "the ends saw different ClientHellos";

interface Attempt {
  readonly opened: boolean;
  /** What kept the session from being opened. */
  readonly how: string;
  readonly isTls13: boolean;
  readonly hadMasterSecret: boolean;
}

async function attempt(
  lab: PairLab,
  { note, change }: HelloChange,
  withoutMasterSecret: boolean,
): Promise<Attempt> {
  let passed = 0;
  let changed = 0;
  let hadMasterSecret = false;
  const rewrite = (hello: Hello): Hello => {
    passed += 1;
    const other = change(hello);
    if (other === undefined) return hello;
    changed += 1;
    hadMasterSecret ||= extensionOf(hello, Extension.extendedMasterSecret) !== undefined;
    return withoutMasterSecret ? withoutExtension(other, Extension.extendedMasterSecret) : other;
  };
  const text = withoutMasterSecret ? `${note}, extended_master_secret taken out` : note;
  const seen =
    lab.transport === "tls" ? await overTls(lab, rewrite, text) : await overDtls(lab, rewrite, text);
  if (passed === 0) throw new NotDelivered(noHello);
  if (changed === 0) throw new NotApplicable("the device's ClientHello has nothing of the kind to change");
  return { ...seen, hadMasterSecret };
}

/** A session over UDP goes on by its connection id, whoever stands in between. */
export const noHello =
  "no ClientHello passed: the device has to begin a session anew, not to go on with one from before";

/** A device that still speaks in an old session may begin its next one after this long, ms. */
export const helloPatience = (lab: PairLab): number => 4 * lab.patience.answerMs;

type Rewrite = (hello: Hello) => Hello;
type Seen = Omit<Attempt, "hadMasterSecret">;

async function overTls(lab: PairLab, rewrite: Rewrite, note: string): Promise<Seen> {
  const path = await lab.tcpPath({
    record: (record) => {
      const instead = record.from === "device" ? rewriteTlsHello(record, rewrite) : undefined;
      return instead && { instead: [instead], note };
    },
  });
  const session = await lab.session(path);
  const connection = await path.connection(0, lab.patience.answerMs);
  if (connection === undefined) throw new NotDelivered("the device did not connect");
  const given = path.until(() => !connection.isOpen, lab.patience.answerMs).then(() => false);
  const opened = await Promise.race([session.opened, given]);
  await session.close();
  await path.close();
  const answer = connection.recordsFrom("gateway").map(helloIn)[0];
  const isTls13 = answer !== undefined && versionOf(answer) >= 0x0304;
  return { opened, how: endOf(connection, answer !== undefined), isTls13 };
}

function endOf({ records }: TcpConnection, answered: boolean): string {
  const alert = records.find(({ contentType }) => contentType === TlsContentType.alert);
  if (alert !== undefined) return `the ${alert.from} answers with ${alert.what}`;
  return answered
    ? "the ends break off after ServerHello"
    : "the gateway ends the connection without a ServerHello";
}

async function overDtls(lab: PairLab, rewrite: Rewrite, note: string): Promise<Seen> {
  let passed = false;
  const path = await lab.udpPath({
    datagram: ({ from, records }) => {
      const instead =
        from === "device"
          ? rewriteDtlsClientHello(records, (hello) => {
              passed = true;
              return rewrite(hello);
            })
          : undefined;
      return instead && { instead: [instead], note };
    },
  });
  const session = await lab.session(path);
  await path.until(() => passed, helloPatience(lab));
  const refusal = () =>
    path.flows.flatMap(({ datagrams }) => datagrams).find(({ what }) => /alert/i.test(what));
  const given = path.until(() => refusal() !== undefined, lab.patience.answerMs).then(() => false);
  const opened = await Promise.race([session.opened, given]);
  if (path.flows.length === 0) throw new NotDelivered("the device sent nothing");
  await session.close();
  const alert = refusal();
  await path.close();
  const how =
    alert === undefined
      ? `no session within ${lab.patience.answerMs} ms`
      : `the ${alert.from} answers with ${alert.what}`;
  return { opened, how, isTls13: false };
}
