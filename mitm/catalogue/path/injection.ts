import { broken, type Finding, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import type { End } from "../../path/ends.ts";
import type { TcpConnection } from "../../path/tcp-connection.ts";

export interface Injection {
  readonly to: End;
  /** What the attacker says before the other end's first words pass. */
  readonly bytes: Uint8Array;
  readonly what: string;
  /** `before`: at the very beginning of the stream. `after`: after the other end's hello. */
  readonly place: "before hello" | "after hello";
}

/**
 * Puts words of the attacker at the beginning of the stream to one end, and lets all the rest pass. The end must give the
 * connection up: if the session comes about, something of the attacker's may stand at its beginning.
 */
export async function inject(lab: PairLab, { to, bytes, what, place }: Injection): Promise<Finding> {
  let attacked: TcpConnection | undefined;
  const path = await lab.tcpPath({
    connection: (connection) => {
      if (attacked !== undefined || place !== "before hello") return;
      attacked = connection;
      connection.send(to, bytes, what, "in clear, before the handshake");
    },
    record: (record, connection) => {
      if (attacked !== undefined || place !== "after hello" || record.from === to) return undefined;
      attacked = connection;
      return { instead: [record.bytes, bytes], note: `${what} put after it` };
    },
  });
  const session = await lab.session(path);
  await path.until(() => attacked !== undefined, lab.patience.answerMs);
  const connection = attacked;
  if (connection === undefined) throw new NotDelivered("the device did not connect");
  const open = session.opened.then((opened) => opened && path.connections.length === 1);
  const ended = path.until(() => !connection.isOpen, lab.patience.answerMs).then(() => false);
  if (await Promise.race([open, ended])) {
    return broken(`a session comes about with ${what} at its beginning`);
  }
  const how = connection.ended(to);
  const alert = connection.recordsFrom(to).find((record) => record.what.startsWith("Alert "))?.what;
  return held(
    how === undefined
      ? "no session comes about on this connection"
      : `the ${to} ended the connection (TCP ${how})`,
    {
      refusedAt: what,
      alert: alert?.replace("Alert ", ""),
      next: path.connections.length > 1 ? "tried again" : "closed",
    },
  );
}
