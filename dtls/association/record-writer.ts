import { DtlsError } from "../errors.ts";
import type { Flight } from "../handshake/step.ts";
import type { Epochs } from "../record/epochs.ts";
import { maxSequence, recordHeaderLength, writePlaintextRecord } from "../wire/record.ts";
import { writeFlight } from "./flight.ts";

/** RFC 6347 §4.1.1.1: after this many losses in a row datagrams are made so small that any path takes them. */
const lossesBeforeSmaller = 2;
/** RFC 791: every IPv4 host takes 576 bytes, of which up to 68 are headers. */
const smallMtu = 508;
/** What a record adds to its content with any suite, without a connection id. */
const largestOverhead = 13 + 8 + 16;

/** Makes the records of one association, of all its epochs, each with a sequence number of its own. */
export class RecordWriter {
  readonly #epochs: Epochs;
  /** Epoch 0's next one. */
  #plaintextSequence: number;

  constructor(epochs: Epochs, plaintextSequence: number) {
    this.#epochs = epochs;
    this.#plaintextSequence = plaintextSequence;
  }

  /** Whether nothing has been written with a number above 0: a client then has said nothing. */
  get isUnused(): boolean {
    return this.#plaintextSequence === 0;
  }

  /** A whole record of the epoch that is written now. @throws DtlsError DTLS_SEQUENCE_EXHAUSTED */
  current(type: number, plaintext: Uint8Array): Uint8Array {
    return this.#record(this.#epochs.write, type, plaintext);
  }

  /**
   * The datagrams of a flight, at its `attempt`th sending; `mtu` is the largest of them.
   * @throws DtlsError DTLS_SEQUENCE_EXHAUSTED
   */
  flight({ items, recordLimit }: Flight, attempt: number, mtu: number): readonly Uint8Array[] {
    if (items.some(({ type }) => type === "change_cipher_spec")) this.#epochs.writeAtLeast(1);
    // A peer that asks for small records may have a buffer for one of them and no more.
    const largest = Math.min(mtu, recordLimit + largestOverhead);
    return writeFlight(items, {
      mtu: attempt >= lossesBeforeSmaller ? Math.min(largest, smallMtu) : largest,
      fragmentLimit: recordLimit,
      overhead: (epoch) => (epoch === 0 ? recordHeaderLength : this.#epochs.sealer(epoch).overhead),
      record: (epoch, type, plaintext) => this.#record(epoch, type, plaintext),
    });
  }

  #record(epoch: number, type: number, plaintext: Uint8Array): Uint8Array {
    if (epoch > 0) return this.#epochs.sealer(epoch).seal(type, plaintext);
    // RFC 6347 §4.1: a sequence number never wraps.
    if (this.#plaintextSequence > maxSequence) {
      throw new DtlsError("DTLS_SEQUENCE_EXHAUSTED", "all sequence numbers of epoch 0 are used");
    }
    const record = writePlaintextRecord(type, this.#plaintextSequence, plaintext);
    this.#plaintextSequence += 1;
    return record;
  }
}
