import { broken, type Finding, held, inconclusive } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { Conversation, notTold } from "../../path/conversation.ts";
import { applicationRecordIn, type DtlsRecord, type PathDatagram } from "../../path/datagram-record.ts";
import type { End } from "../../path/ends.ts";
import type { UdpFlow } from "../../path/udp-flow.ts";
import type { DatagramFate, UdpPath } from "../../path/udp-relay.ts";

/** An open session over DTLS, and the lab on its path. */
export interface OpenFlow {
  readonly path: UdpPath;
  readonly flow: UdpFlow;
  readonly conversation: Conversation;
}

export async function openFlow(lab: PairLab): Promise<OpenFlow> {
  const path = await lab.udpPath();
  const conversation = await Conversation.open(lab, await lab.session(path));
  const flow = path.latest;
  if (flow === undefined) throw new NotDelivered("the device sent nothing through the path");
  return { path, flow, conversation };
}

/** @throws NotApplicable where records to this end bear no connection id */
export function needsConnectionIds({ flow }: OpenFlow, to: End): void {
  if (flow.cidLength(to) > 0) return;
  throw new NotApplicable(`no connection id was agreed on for records to the ${to}`);
}

export interface Caught {
  readonly datagram: PathDatagram;
  readonly record: DtlsRecord;
  /** What it says; undefined where the lab did not make the end speak. */
  readonly text: string | undefined;
}

/**
 * Makes an end speak, or waits until it does, and decides over the datagram that carries it.
 *
 * @throws NotDelivered where it says nothing in time
 */
export async function catchNext(
  lab: PairLab,
  { path, flow, conversation }: OpenFlow,
  from: End,
  fate: (record: DtlsRecord) => DatagramFate | undefined = () => undefined,
): Promise<Caught> {
  let caught: { datagram: PathDatagram; record: DtlsRecord } | undefined;
  const { rules } = path;
  path.rules = {
    datagram: (datagram, on) => {
      const record = on === flow ? applicationRecord(datagram, from) : undefined;
      if (caught !== undefined || record === undefined) return undefined;
      caught = { datagram, record };
      return fate(record);
    },
  };
  const text = conversation.canSay(from) ? conversation.say(from) : undefined;
  await path.until(() => caught !== undefined, lab.patience.answerMs);
  path.rules = rules;
  if (caught === undefined) throw new NotDelivered(`the ${from} said nothing that could have been attacked`);
  return { ...caught, text };
}

function applicationRecord({ from, records }: PathDatagram, of: End): DtlsRecord | undefined {
  return from === of ? applicationRecordIn(records) : undefined;
}

/** Makes an end say so many texts, and waits until they have passed. Whether it could be made to. */
export async function sayMany(
  lab: PairLab,
  { path, flow, conversation }: OpenFlow,
  from: End,
  count: number,
): Promise<boolean> {
  if (!conversation.canSay(from)) return false;
  const passed = () => flow.from(from).filter((datagram) => applicationRecord(datagram, from)).length;
  const goal = passed() + count;
  for (let index = 0; index < count; index += 1) conversation.say(from);
  return path.until(() => passed() >= goal, lab.patience.answerMs);
}

/** What the end that is attacked might have done with what it got. */
export interface Use {
  readonly used: "delivered" | "obeyed";
  /** A text that must not arrive. */
  readonly text?: string | undefined;
}

/**
 * RFC 6347 §4.1.2.7: what is not valid is dropped in silence, and the session goes on. `what` was sent to `at`; whether
 * it may have been `used` only the application can tell.
 */
export async function judgeDropped(
  lab: PairLab,
  open: OpenFlow,
  at: End,
  what: string,
  { used, text }: Use,
): Promise<Finding> {
  const { conversation } = open;
  if (!conversation.canSay("device") && !conversation.canSay("gateway")) {
    return judgeOnTheWire(lab, open, at, what, used);
  }
  const goesOn = await conversation.goesOn();
  const amiss = conversation.amiss(at);
  if (amiss !== undefined) return broken(amiss);
  if (text !== undefined && conversation.times(text, at) > 0) return broken(`the ${at} took ${what}`);
  if (!goesOn) return broken(`the session did not survive ${what}`);
  return held(`the ${at} dropped ${what}, and the session goes on`, { next: "went on" });
}

/** The end that was attacked says something more in the session, or ends it, or the device has to begin again. */
async function judgeOnTheWire(
  lab: PairLab,
  { path, flow }: OpenFlow,
  at: End,
  what: string,
  used: "delivered" | "obeyed",
): Promise<Finding> {
  const began = performance.now();
  const later = () => path.flows.flatMap(({ datagrams }) => datagrams).filter(({ atMs }) => atMs > began);
  const alert = () => later().find((datagram) => datagram.from === at && /alert/i.test(datagram.what));
  const again = () => later().some((datagram) => datagram.what.startsWith("ClientHello"));
  const over = () => alert() !== undefined || again();
  // What was on its way already is no sign of life.
  await path.until(over, lab.patience.silenceMs);
  const before = flow.from(at).length;
  const life = () =>
    flow
      .from(at)
      .slice(before)
      .some((datagram) => applicationRecord(datagram, at) !== undefined);
  await path.until(() => over() || life(), lab.patience.answerMs);
  const ended = alert();
  if (ended !== undefined) return broken(`the ${at} ended the session by ${ended.what} after ${what}`);
  if (again()) return broken(`the device had to begin a new session after ${what}`);
  if (!life()) return inconclusive(`the ${at} said nothing after ${what} that the verdict could rest on`);
  if (used === "delivered") return notTold(at, `used ${what}`);
  return held(`the ${at} goes on with the session after ${what}`, { next: "went on" });
}
