import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Extension, type Hello, withoutExtension } from "../../path/hello.ts";
import { rewriteDtlsClientHello, rewriteTlsHello } from "../../path/rewrite-hello.ts";

export interface HelloChange {
  readonly note: string;
  /** Undefined where this hello has nothing of the kind to change. */
  readonly change: (hello: Hello) => Hello | undefined;
}

/**
 * Changes each ClientHello to something that the gateway may well go along with: only the comparison of what both ends saw
 * can tell (RFC 8446 §4.4.4, RFC 5246 §7.4.9). extended_master_secret goes with it, since it is such a comparison, too.
 *
 * @throws NotApplicable where there was nothing to change
 */
export async function changeHello(lab: PairLab, { note, change }: HelloChange): Promise<Finding> {
  let changed = 0;
  const rewrite = (hello: Hello): Hello => {
    const other = change(hello);
    if (other === undefined) return hello;
    changed += 1;
    return withoutExtension(other, Extension.extendedMasterSecret);
  };
  const opened =
    lab.transport === "tls" ? await overTls(lab, rewrite, note) : await overDtls(lab, rewrite, note);
  if (changed === 0) throw new NotApplicable("the device's ClientHello has nothing of the kind to change");
  return opened
    ? broken("a session was opened although the ends saw different ClientHellos")
    : held("no session comes about");
}

type Rewrite = (hello: Hello) => Hello;

async function overTls(lab: PairLab, rewrite: Rewrite, note: string): Promise<boolean> {
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
  return Promise.race([session.opened, given]);
}

async function overDtls(lab: PairLab, rewrite: Rewrite, note: string): Promise<boolean> {
  const path = await lab.udpPath({
    datagram: ({ from, records }) => {
      const instead = from === "device" ? rewriteDtlsClientHello(records, rewrite) : undefined;
      return instead && { instead: [instead], note };
    },
  });
  const session = await lab.session(path);
  const refused = () => path.flows.some(({ datagrams }) => datagrams.some(({ what }) => /alert/i.test(what)));
  const given = path.until(refused, lab.patience.answerMs).then(() => false);
  const opened = await Promise.race([session.opened, given]);
  if (path.flows.length === 0) throw new NotDelivered("the device sent nothing");
  return opened;
}
