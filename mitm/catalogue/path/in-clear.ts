import type { Finding } from "../../attack.ts";
import type { PairLab } from "../../lab/pair-lab.ts";
import { DtlsContentType, dtlsRecord, wholeMessage } from "../../path/datagram-record.ts";
import type { End } from "../../path/ends.ts";
import { judgeDropped, openFlow } from "./open-flow.ts";

/** Beyond what a handshake needs, and within what a window of epoch 0 may still take. */
const firstSequence = 40;
/** Message numbers that both ends have not used yet. */
const unusedMessageSeq = 20;

const inClear = (type: number, content: Uint8Array, sequence = firstSequence): Uint8Array =>
  dtlsRecord({ type, epoch: 0, sequence }, content);

/** What nobody said. */
export const data = (): Uint8Array =>
  inClear(DtlsContentType.applicationData, Buffer.from("lab forged this"));

/** RFC 5246 §7.2: level fatal, handshake_failure. */
export const fatalAlert = (): Uint8Array => inClear(DtlsContentType.alert, Uint8Array.of(2, 40));

/** RFC 5246 §7.2: level warning, close_notify. */
export const closeNotify = (): Uint8Array => inClear(DtlsContentType.alert, Uint8Array.of(1, 0));

/** RFC 5246 §7.1, §7.4.9: with verify_data that nobody made. */
export const finished = (): Uint8Array =>
  Buffer.concat([
    inClear(DtlsContentType.changeCipherSpec, Uint8Array.of(1)),
    inClear(
      DtlsContentType.handshake,
      wholeMessage(20, unusedMessageSeq, new Uint8Array(12)),
      firstSequence + 1,
    ),
  ]);

/** RFC 5246 §7.4.1.1. */
export const helloRequest = (): Uint8Array =>
  inClear(DtlsContentType.handshake, wholeMessage(0, unusedMessageSeq, new Uint8Array()));

/** RFC 6347 §4.1: once the handshake is over, records of epoch 0 are nobody's. */
export async function sendInClear(
  lab: PairLab,
  to: End,
  make: () => Uint8Array,
  what: string,
  used: "delivered" | "obeyed",
): Promise<Finding> {
  const open = await openFlow(lab);
  open.flow.send(to, make(), what, "in the session, under the other end's address");
  return judgeDropped(lab, open, to, what, { used });
}
