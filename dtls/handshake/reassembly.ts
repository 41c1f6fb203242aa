import type { DiscardReason } from "../association/outputs.ts";
import type { HandshakeFragment } from "../wire/handshake.ts";
import type { HandshakeMessage } from "./step.ts";

export interface ReassemblyLimits {
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
  /** What all messages that are not whole or not in turn may take together, in bytes. */
  readonly maxQueuedBytes: number;
}

/** More messages than any flight has: a number further ahead is no honest one. */
const furthestAhead = 10;
/** A message in more pieces than this was cut by somebody who wants us to count. */
const mostRanges = 256;

interface Partial {
  readonly msgType: number;
  readonly body: Uint8Array;
  /** What has arrived: sorted, neither touching nor overlapping. */
  readonly ranges: Range[];
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * RFC 6347 §4.2.3: puts fragments together, also those that overlap and those of another cut in a retransmission,
 * and hands the messages out in the order of message_seq.
 */
export class Reassembly {
  readonly #limits: ReassemblyLimits;
  readonly #partials = new Map<number, Partial>();
  #queuedBytes = 0;
  #nextSeq: number;

  /** `nextSeq` is the message_seq of the first message. */
  constructor(limits: ReassemblyLimits, nextSeq: number) {
    this.#limits = limits;
    this.#nextSeq = nextSeq;
  }

  /** The message_seq of the message whose turn it is. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Takes a fragment, or says why not. A declared length is checked before anything is allocated for it. */
  add(fragment: HandshakeFragment): DiscardReason | undefined {
    const { msgType, messageSeq, length, fragmentOffset, body } = fragment;
    // RFC 6347 §4.2.2: a number below next_receive_seq is discarded.
    if (messageSeq < this.#nextSeq) return "repeated_message";
    if (messageSeq > this.#nextSeq + furthestAhead) return "message_too_far_ahead";
    if (length > this.#limits.maxMessageBytes) return "message_too_large";
    let partial = this.#partials.get(messageSeq);
    if (partial === undefined) {
      if (!this.#makeRoom(messageSeq, length)) return "queue_full";
      partial = { msgType, body: new Uint8Array(length), ranges: [] };
      this.#partials.set(messageSeq, partial);
      this.#queuedBytes += length;
    } else if (partial.msgType !== msgType || partial.body.length !== length) {
      return "inconsistent_fragment";
    }
    return addRange(partial, fragmentOffset, body);
  }

  /** The message whose turn it is goes before those that came ahead: they come again, and without it none counts. */
  #makeRoom(messageSeq: number, length: number): boolean {
    const { maxQueuedBytes } = this.#limits;
    if (messageSeq === this.#nextSeq && this.#queuedBytes + length > maxQueuedBytes) this.dropQueued();
    return this.#queuedBytes + length <= maxQueuedBytes;
  }

  /** The next message, once it is whole. */
  next(): HandshakeMessage | undefined {
    const messageSeq = this.#nextSeq;
    const partial = this.#partials.get(messageSeq);
    if (partial === undefined || !isWhole(partial)) return undefined;
    this.#partials.delete(messageSeq);
    this.#queuedBytes -= partial.body.length;
    this.#nextSeq += 1;
    return { msgType: partial.msgType, messageSeq, body: partial.body };
  }

  /** Forgets what came ahead of its turn, as when the epoch changes: it was not protected as the rest will be. */
  dropQueued(): void {
    this.#partials.clear();
    this.#queuedBytes = 0;
  }
}

function isWhole({ body, ranges }: Partial): boolean {
  const [first] = ranges;
  return first !== undefined && first.start === 0 && first.end === body.length;
}

/** One walk over the ranges: whoever sends many tiny fragments must not cost us more than that for each. */
function addRange({ body, ranges }: Partial, start: number, bytes: Uint8Array): DiscardReason | undefined {
  const end = start + bytes.length;
  let before = 0;
  let merged: Range = { start, end };
  let touching = 0;
  for (const range of ranges) {
    if (range.start > end) break;
    if (range.end < start) {
      before += 1;
      continue;
    }
    const from = Math.max(range.start, start);
    const to = Math.min(range.end, end);
    // Bytes that arrived do not change: whoever says otherwise is not the sender, or cannot be followed.
    if (
      from < to &&
      Buffer.compare(body.subarray(from, to), bytes.subarray(from - start, to - start)) !== 0
    ) {
      return "inconsistent_fragment";
    }
    merged = { start: Math.min(merged.start, range.start), end: Math.max(merged.end, range.end) };
    touching += 1;
  }
  if (touching === 0 && ranges.length >= mostRanges) return "queue_full";
  body.set(bytes, start);
  ranges.splice(before, touching, merged);
  return undefined;
}
