import type { Address } from "./settings.ts";

/** What a record takes that is kept, beside its bytes: empty ones are not for nothing. */
const keptRecordBytes = 128;

interface EarlyRecord {
  readonly bytes: Uint8Array;
  readonly from: Address;
}

/** What comes before its time in a handshake: records of the next epoch, and data before Finished. Bounded. */
export class Early {
  readonly #maxBytes: number;
  #records: EarlyRecord[] = [];
  #data: Uint8Array[] = [];
  #bytes = 0;

  /** `maxBytes` bounds both together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps a copy of a record that cannot be opened yet. False: there is no room. */
  keepRecord(bytes: Uint8Array, from: Address): boolean {
    if (!this.#makeRoom(bytes.length)) return false;
    this.#records.push({ bytes: bytes.slice(), from });
    return true;
  }

  /** Keeps data that verified before the handshake did. False: there is no room. */
  keepData(bytes: Uint8Array): boolean {
    if (!this.#makeRoom(bytes.length)) return false;
    this.#data.push(bytes);
    return true;
  }

  /** The records, once they can be opened. What strangers filled the room with goes with them. */
  takeRecords(): readonly EarlyRecord[] {
    const records = this.#records;
    if (records.length === 0) return records;
    this.#records = [];
    // Nothing is held before the first record of this epoch has been opened.
    this.#bytes = 0;
    return records;
  }

  /** The data, once the handshake is complete. */
  takeData(): readonly Uint8Array[] {
    const data = this.#data;
    this.#data = [];
    return data;
  }

  #makeRoom(bytes: number): boolean {
    const all = this.#bytes + bytes + keptRecordBytes;
    if (all > this.#maxBytes) return false;
    this.#bytes = all;
    return true;
  }
}
