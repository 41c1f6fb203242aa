import { DtlsError } from "../errors.ts";

/** Reads numbers and views of what was received, from the front. A read past the end throws DTLS_DECODE_ERROR. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #offset = 0;

  /** `name` is the structure that is read, for error messages. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(): number {
    return uint8At(this.#bytes, this.#take(1));
  }

  uint16(): number {
    return uint16At(this.#bytes, this.#take(2));
  }

  uint24(): number {
    return uint24At(this.#bytes, this.#take(3));
  }

  uint32(): number {
    return uint32At(this.#bytes, this.#take(4));
  }

  uint48(): number {
    return uint48At(this.#bytes, this.#take(6));
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A reader of the next `length` bytes alone. */
  sub(length: number): Reader {
    return new Reader(this.bytes(length), this.#name);
  }

  end(): void {
    if (this.remaining > 0) throw this.error(`${this.remaining} bytes too many`);
  }

  error(message: string): DtlsError {
    return new DtlsError("DTLS_DECODE_ERROR", `${this.#name}: ${message}`);
  }

  #take(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      throw this.error(`${length} bytes wanted, ${this.remaining} left`);
    }
    this.#offset = start + length;
    return start;
  }
}

/** The largest number of so many bytes. */
const largest = { 1: 0xff, 2: 0xffff, 3: 0xff_ffff, 4: 0xffff_ffff } as const;

/** A writer's memory for the next one: encoding is one synchronous call, most often after another. */
let spare: Uint8Array | undefined;
const nothing = new Uint8Array();
const spareLength = 4096;

/** Collects bytes. What does not fit into its field is our own mistake, never a peer's: a RangeError. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor() {
    this.#bytes = spare ?? new Uint8Array(spareLength);
    spare = undefined;
  }

  get length(): number {
    return this.#length;
  }

  uint(value: number, width: 1 | 2 | 3 | 4): void {
    this.patch(this.reserve(width), value, width);
  }

  bytes(value: Uint8Array): void {
    const start = this.reserve(value.length);
    this.#bytes.set(value, start);
  }

  /** Leaves room for a number that is known later; the result is for `patch`. */
  reserve(width: number): number {
    const start = this.#length;
    const end = start + width;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, end));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
    }
    this.#length = end;
    return start;
  }

  patch(offset: number, value: number, width: 1 | 2 | 3 | 4): void {
    if (!Number.isInteger(value) || value < 0 || value > largest[width]) {
      throw new RangeError(`${value} does not fit into ${width} bytes`);
    }
    const bytes = this.#bytes;
    if (width === 4) bytes[offset] = value >>> 24;
    for (let index = width - 1, shift = 0; index >= 0 && shift < 24; index--, shift += 8) {
      bytes[offset + index] = value >>> shift;
    }
  }

  /** A copy of exactly what was written. Ends this writer. */
  finish(): Uint8Array {
    const result = this.#bytes.slice(0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    if (this.#bytes.length === spareLength) spare = this.#bytes;
    this.#bytes = nothing;
    return result;
  }
}

/** Big-endian numbers at a place that the caller has found to be inside. */
export function uint8At(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

export function uint16At(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

export function uint24At(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
}

function uint32At(bytes: Uint8Array, offset: number): number {
  return uint16At(bytes, offset) * 2 ** 16 + uint16At(bytes, offset + 2);
}

/** Exact: a double holds 53 bits. */
export function uint48At(bytes: Uint8Array, offset: number): number {
  return uint24At(bytes, offset) * 2 ** 24 + uint24At(bytes, offset + 3);
}

export function putUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

export function putUint24(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 16;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value;
}

/** Bit operators see 32 bits only, so the halves are parted by division. */
export function putUint48(bytes: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / 2 ** 24);
  putUint24(bytes, offset, high);
  putUint24(bytes, offset + 3, value - high * 2 ** 24);
}
