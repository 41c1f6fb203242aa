import { uint16At, uint24At } from "../../dtls/wire/bytes.ts";
import { handshakeHeaderLength } from "../../dtls/wire/handshake.ts";
import type { Tolerance } from "./tolerance.ts";

/** A handshake message that is whole. */
export interface Message {
  readonly msgType: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
  /** What goes into the transcript: the same bytes, but in an end that mixes overlapping fragments. */
  readonly transcribed: Uint8Array;
  readonly epoch: number;
}

interface Fragment {
  readonly msgType: number;
  readonly length: number;
  readonly messageSeq: number;
  readonly offset: number;
  readonly body: Uint8Array;
}

interface Partial {
  readonly msgType: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
  /** Overlapping bytes as they came last, not first. */
  readonly last: Uint8Array;
  readonly has: Uint8Array;
  missing: number;
  epoch: number;
}

/** RFC 6347 §4.2.2 leaves it to the receiver how far ahead messages are kept. */
const furthestAhead = 10;
const largestMessage = 2 ** 16;
/** An attacker takes whatever comes, but a peer must not fill the memory of the lab: each message is kept three times. */
const largestForAttacker = 2 ** 19;
/** Where a weak twin that keeps everything has no memory left. */
const memoryOfAWeakTwin = 2 ** 22;

export type Added = "kept" | "old" | "refused" | "exhausted";

/** Puts fragments together (RFC 6347 §4.2.3), and messages into their order. */
export class Assembly {
  readonly #tolerance: Tolerance;
  readonly #partials = new Map<number, Partial>();
  #hoarded = 0;
  /** message_seq of the next message. */
  nextSeq = 0;

  constructor(tolerance: Tolerance) {
    this.#tolerance = tolerance;
  }

  /** Goes on with this number; what came for earlier ones is forgotten. */
  restart(nextSeq: number): void {
    for (const messageSeq of this.#partials.keys()) {
      if (messageSeq < nextSeq) this.#partials.delete(messageSeq);
    }
    this.nextSeq = nextSeq;
  }

  /** What the fragments in one record come to; with "refused", the record is nonsense. */
  add(record: Uint8Array, epoch: number): Added {
    let result: Added = "old";
    for (let at = 0; at < record.length; ) {
      const fragment = this.#fragmentAt(record, at);
      if (fragment === undefined) return "refused";
      at += handshakeHeaderLength + uint24At(record, at + 9);
      const added = this.#take(fragment, epoch);
      if (added === "refused" || added === "exhausted") return added;
      if (added === "kept") result = "kept";
    }
    return result;
  }

  /** The next message in order, once it is whole. */
  next(): Message | undefined {
    const partial = this.#upNext();
    if (partial === undefined || partial.missing > 0) return undefined;
    this.#partials.delete(partial.messageSeq);
    this.nextSeq = partial.messageSeq + 1;
    const { msgType, messageSeq, body, last, epoch } = partial;
    const mixes = this.#tolerance.lacks("overlapping-fragments-mixed");
    return { msgType, messageSeq, body, transcribed: mixes ? last : body, epoch };
  }

  #upNext(): Partial | undefined {
    const next = this.#partials.get(this.nextSeq);
    if (next !== undefined || !this.#tolerance.lacks("message-sequence-not-checked")) return next;
    return this.#partials.values().next().value;
  }

  #fragmentAt(record: Uint8Array, at: number): Fragment | undefined {
    const start = at + handshakeHeaderLength;
    const length = uint24At(record, at + 1);
    const offset = uint24At(record, at + 6);
    const fragmentLength = uint24At(record, at + 9);
    if (start + fragmentLength > record.length) return undefined;
    if (offset + fragmentLength > length && this.#tolerance.holds("fragment-bounds-not-checked")) {
      return undefined;
    }
    const body = record.subarray(start, start + Math.max(0, Math.min(fragmentLength, length - offset)));
    const messageSeq = uint16At(record, at + 4);
    return { msgType: record[at] ?? 0, length, messageSeq, offset, body };
  }

  #take(fragment: Fragment, epoch: number): Added {
    const { msgType, length, messageSeq, offset, body } = fragment;
    if (this.#tolerance.lacks("handshake-memory-unbounded")) {
      this.#hoarded += length + 1024;
      if (this.#hoarded > memoryOfAWeakTwin) return "exhausted";
    }
    const anySeq = this.#tolerance.lacks("message-sequence-not-checked");
    if (messageSeq < this.nextSeq && !anySeq) return "old";
    if (messageSeq > this.nextSeq + furthestAhead && !anySeq) return "old";
    if (length > largestMessage && this.#tolerance.holds("handshake-size-unbounded")) return "refused";
    if (length > largestForAttacker && this.#tolerance.isAttacker) return "refused";
    let partial = this.#partials.get(messageSeq);
    if (partial === undefined) {
      partial = {
        msgType,
        messageSeq,
        body: new Uint8Array(length),
        last: new Uint8Array(length),
        has: new Uint8Array(length),
        missing: length,
        epoch,
      };
      this.#partials.set(messageSeq, partial);
    } else if (partial.body.length !== length || partial.msgType !== msgType) {
      if (this.#tolerance.holds("fragment-length-may-change")) return "refused";
    }
    partial.epoch = epoch;
    if (this.#tolerance.lacks("fragments-not-reassembled") && partial.has[offset] === 1) return "kept";
    for (let index = 0; index < body.length; index += 1) {
      const place = offset + index;
      if (place >= partial.body.length) break;
      partial.last[place] = body[index] ?? 0;
      if (partial.has[place] === 1) continue;
      partial.has[place] = 1;
      partial.body[place] = body[index] ?? 0;
      partial.missing -= 1;
    }
    return "kept";
  }
}
