import type { Opener, Sealer } from "./protection.ts";

interface EpochKeys {
  readonly epoch: number;
  readonly sealer: Sealer;
  readonly opener: Opener;
}

/**
 * Which keys belong to which epoch, and how far each direction has come (RFC 6347 §4.1: "the epoch number is
 * incremented on every cipher state change"). Epoch 0 has none. DTLS 1.2 without renegotiation comes to 1; the table
 * is one, so that a protocol with more of them finds its place.
 */
export class Epochs {
  #keys: readonly EpochKeys[] = [];
  #read = 0;
  #write = 0;

  /** The epoch whose records are opened. */
  get read(): number {
    return this.#read;
  }

  /** The epoch of whatever is sent outside a flight. */
  get write(): number {
    return this.#write;
  }

  /** Keys for an epoch to come: nothing is opened with them before `readNext`. */
  install(keys: EpochKeys): void {
    this.#keys = [...this.#keys, keys];
  }

  /** The peer's ChangeCipherSpec was in its place. */
  readNext(): void {
    this.#read += 1;
  }

  /** Our own ChangeCipherSpec goes out; a retransmission changes nothing. */
  writeAtLeast(epoch: number): void {
    this.#write = Math.max(this.#write, epoch);
  }

  /** Undefined for an epoch that is not read yet, or has no keys. */
  opener(epoch: number): Opener | undefined {
    return epoch > this.#read ? undefined : this.#of(epoch)?.opener;
  }

  /** @throws Error for an epoch without keys, which is nobody's fault but ours */
  sealer(epoch: number): Sealer {
    const keys = this.#of(epoch);
    if (keys === undefined) throw new Error(`unreachable: epoch ${epoch} has keys`);
    return keys.sealer;
  }

  /** Forgets all keys. */
  clear(): void {
    this.#keys = [];
  }

  #of(epoch: number): EpochKeys | undefined {
    for (const keys of this.#keys) if (keys.epoch === epoch) return keys;
    return undefined;
  }
}
