import type { FlightItem } from "../handshake/step.ts";
import { uint8At, uint16At, uint24At } from "../wire/bytes.ts";
import { handshakeHeaderLength, writeFragment } from "../wire/handshake.ts";
import { ContentType } from "../wire/registry.ts";

/** How records of a flight are made, and how large datagrams may be. */
export interface FlightWriter {
  /** The largest UDP payload, in bytes. */
  readonly mtu: number;
  /** The largest plaintext of a record, in bytes. */
  readonly fragmentLimit: number;
  /** What a record adds to its plaintext, in bytes. */
  overhead(epoch: 0 | 1): number;
  /** A whole record; takes a sequence number. */
  record(epoch: 0 | 1, type: number, plaintext: Uint8Array): Uint8Array;
}

/** A piece smaller than this is not worth a record of its own where the next datagram takes more. */
const leastPiece = 32;

/**
 * The datagrams of a flight: as few as the MTU allows (RFC 6347 §4.1.1: several records may share one), messages
 * cut where they do not fit (§4.2.3). A retransmission is cut anew: it may have another MTU, and has new record
 * sequence numbers (§4.2.4).
 */
export function writeFlight(items: readonly FlightItem[], writer: FlightWriter): Uint8Array[] {
  const packer = new Packer(writer);
  for (const item of items) {
    if (item.type === "change_cipher_spec") packer.add(0, ContentType.change_cipher_spec, changeCipherSpec);
    else addMessage(packer, item.epoch, item.bytes);
  }
  return packer.datagrams();
}

/** RFC 5246 §7.1: `struct { enum { change_cipher_spec(1), (255) } type; } ChangeCipherSpec;` */
const changeCipherSpec = Uint8Array.of(1);

function addMessage(packer: Packer, epoch: 0 | 1, message: Uint8Array): void {
  const msgType = uint8At(message, 0);
  const length = uint24At(message, 1);
  const messageSeq = uint16At(message, 4);
  const body = message.subarray(handshakeHeaderLength);
  let offset = 0;
  do {
    const room = packer.room(epoch, Math.min(body.length - offset, leastPiece) + handshakeHeaderLength);
    const piece = body.subarray(offset, offset + room - handshakeHeaderLength);
    packer.add(
      epoch,
      ContentType.handshake,
      piece.length === body.length ? message : writeFragment(msgType, length, messageSeq, offset, piece),
    );
    offset += piece.length;
  } while (offset < body.length);
}

class Packer {
  readonly #writer: FlightWriter;
  readonly #full: Uint8Array[] = [];
  #records: Uint8Array[] = [];
  #size = 0;

  constructor(writer: FlightWriter) {
    this.#writer = writer;
  }

  /** How much plaintext the next record may have; a new datagram is begun where `least` would not fit. */
  room(epoch: 0 | 1, least: number): number {
    const { mtu, fragmentLimit } = this.#writer;
    const overhead = this.#writer.overhead(epoch);
    if (this.#size > 0 && this.#size + overhead + least > mtu) this.#flush();
    return Math.max(Math.min(mtu - this.#size - overhead, fragmentLimit), handshakeHeaderLength + 1);
  }

  add(epoch: 0 | 1, type: number, plaintext: Uint8Array): void {
    this.room(epoch, plaintext.length);
    const record = this.#writer.record(epoch, type, plaintext);
    this.#records.push(record);
    this.#size += record.length;
  }

  datagrams(): Uint8Array[] {
    this.#flush();
    return this.#full;
  }

  #flush(): void {
    const [only] = this.#records;
    if (only === undefined) return;
    this.#full.push(this.#records.length === 1 ? only : Buffer.concat(this.#records));
    this.#records = [];
    this.#size = 0;
  }
}
