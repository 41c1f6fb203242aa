/** The plain data of a window. */
export interface ReplayWindowState {
  /** The highest sequence number that was received, -1 before the first. */
  readonly newest: number;
  /** Bit n of `recent` is newest - n, bit n of `older` is newest - 32 - n; as int32. */
  readonly recent: number;
  readonly older: number;
}

/**
 * RFC 6347 §4.1.2.6 (and RFC 4303 §3.4.3): which of the last 64 sequence numbers have been received. Sequence numbers
 * have 48 bits and are doubles here: bit operators see differences below 64 only, never a sequence number itself.
 */
export class ReplayWindow {
  #newest: number;
  #recent: number;
  #older: number;

  constructor(state: ReplayWindowState = { newest: -1, recent: 0, older: 0 }) {
    this.#newest = state.newest;
    this.#recent = state.recent | 0;
    this.#older = state.older | 0;
  }

  get newest(): number {
    return this.#newest;
  }

  /** Whether the record may be a new one. Changes nothing: it is not authenticated yet. */
  accepts(sequence: number): boolean {
    const age = this.#newest - sequence;
    // A jump forward of any size is valid: that many records may have been lost.
    if (age < 0) return true;
    if (age >= windowLength) return false;
    return age < 32 ? ((this.#recent >>> age) & 1) === 0 : ((this.#older >>> (age - 32)) & 1) === 0;
  }

  /** RFC 6347 §4.1.2.6: "The window MUST NOT be updated due to the receipt of a record that was not verified". */
  mark(sequence: number): void {
    const jump = sequence - this.#newest;
    if (jump > 0) {
      this.#newest = sequence;
      if (jump >= windowLength) {
        this.#recent = 1;
        this.#older = 0;
      } else if (jump >= 32) {
        this.#older = this.#recent << (jump - 32);
        this.#recent = 1;
      } else {
        this.#older = (this.#older << jump) | (this.#recent >>> (32 - jump));
        this.#recent = (this.#recent << jump) | 1;
      }
      return;
    }
    const age = -jump;
    if (age < 32) this.#recent |= 1 << age;
    else if (age < windowLength) this.#older |= 1 << (age - 32);
  }

  exportState(): ReplayWindowState {
    return { newest: this.#newest, recent: this.#recent, older: this.#older };
  }
}

/** RFC 6347 §4.1.2.6: at least 32; 64 is the one to take. */
const windowLength = 64;
