import { broken, type Finding, held } from "../../attack.ts";
import { NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Conversation } from "../../path/conversation.ts";
import { type End, otherEnd } from "../../path/ends.ts";
import type { TcpConnection } from "../../path/tcp-connection.ts";
import type { RecordFate } from "../../path/tcp-proxy.ts";
import { type PathRecord, TlsContentType } from "../../path/tls-record.ts";

export interface Tampering {
  /** The end that gets what was changed. */
  readonly to: End;
  /** How many application records of the other end are collected before `rewrite` decides over all of them. */
  readonly records: 1 | 2;
  readonly note: string;
  rewrite(records: readonly PathRecord[], lab: PairLab): readonly Uint8Array[];
}

/**
 * RFC 8446 §5.2, RFC 5246 §7.2.2: a record that cannot be verified ends the connection with bad_record_mac. Nothing of
 * it reaches the application, and nothing that comes after it.
 */
export async function tamperWithRecords(lab: PairLab, tampering: Tampering): Promise<Finding> {
  const { to, records: needed } = tampering;
  const from = otherEnd(to);
  const path = await lab.tcpPath();
  const session = await lab.session(path);
  const conversation = await Conversation.open(lab, session);
  const connection = path.latest;
  if (connection === undefined) throw new NotDelivered("the device did not come through the path");
  const collected: PathRecord[] = [];
  let done = false;
  path.rules = {
    record: (record, on): RecordFate | undefined => {
      if (done || on !== connection || !isApplicationData(record, from)) return undefined;
      collected.push(record);
      if (collected.length < needed) return { instead: [], note: "held back" };
      done = true;
      return { instead: tampering.rewrite(collected, lab), note: tampering.note };
    },
  };
  // One after the other: texts that are said at once may share a record.
  const said = conversation.canSay(from) ? [conversation.say(from)] : [];
  await path.until(() => collected.length > 0, lab.patience.answerMs);
  if (conversation.canSay(from)) said.push(conversation.say(from));
  await path.until(() => done, lab.patience.answerMs);
  if (!done)
    throw new NotDelivered(`in its session the ${from} said too little to be changed: ${howToSpeak}`);
  await Promise.race([
    path.until(() => connection.ended(to) !== undefined, lab.patience.answerMs),
    conversation.until(() => wrong(conversation, to, said) !== undefined),
  ]);
  await conversation.until(() => wrong(conversation, to, said) !== undefined, settleMs);
  return judge(conversation, connection, to, said);
}

/** What to do about ends that the lab cannot make speak. */
export const howToSpeak = "let it say something every second, or wait longer with --patience";

/** How long the application may take to make something of what TLS had given it. */
const settleMs = 60;

function judge(
  conversation: Conversation,
  connection: TcpConnection,
  to: End,
  said: readonly string[],
): Finding {
  const taken = wrong(conversation, to, said);
  if (taken !== undefined) return broken(taken);
  const how = connection.ended(to);
  if (how === undefined) return broken(`the ${to} goes on after a record that cannot be verified`, "went on");
  const alert = connection.recordsFrom(to).findLast(({ what }) => /^Alert |protected alert/.test(what));
  const last = alert === undefined ? "" : `${alert.what}, `;
  return held(`the ${to} ended the connection (${last}TCP ${how}), and nothing of it was delivered`, {
    refusedAt: "application data",
    alert: alert?.what.startsWith("Alert ") === true ? alert.what.slice(6) : undefined,
    next: "closed",
  });
}

/** What was delivered is the beginning of what was said, and no more. */
function wrong(conversation: Conversation, to: End, said: readonly string[]): string | undefined {
  const amiss = conversation.amiss(to);
  if (amiss !== undefined) return amiss;
  const [first = "", second = ""] = said;
  if (said.length === 2 && conversation.times(second, to) > 0 && conversation.times(first, to) === 0) {
    return `the ${to} took a record though the one before it was missing`;
  }
  return undefined;
}

export function isApplicationData(record: PathRecord, from: End): boolean {
  return record.from === from && record.contentType === TlsContentType.applicationData;
}
