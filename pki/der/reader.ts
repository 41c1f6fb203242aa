import { PkiError } from "../errors.ts";
import { decodeObjectIdentifier } from "./object-identifier.ts";
import { Tag } from "./tag.ts";
import { decodeTime } from "./time.ts";

/** What a reader accepts before it gives up. */
export interface DerLimits {
  /** Octets of the whole structure. Default 65 536: a certificate, with room for the largest signatures. */
  readonly maxBytes?: number;
  /** Values, counted wherever a header is read. Default 16 384. */
  readonly maxNodes?: number;
  /** Constructed values inside each other. Default 32. */
  readonly maxDepth?: number;
}

interface Budget {
  nodes: number;
  readonly maxDepth: number;
}

/**
 * A strict DER reader (X.690 §10, §11): definite minimal lengths, minimal INTEGERs and OBJECT IDENTIFIERs,
 * BOOLEANs of 0x00 or 0xff. It walks forward over one structure; `end` refuses what is left over.
 * Throws nothing but PkiError.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #budget: Budget;
  readonly #depth: number;
  readonly #limit: number;
  #at: number;
  #start = 0;

  private constructor(bytes: Uint8Array, start: number, limit: number, depth: number, budget: Budget) {
    this.#bytes = bytes;
    this.#at = start;
    this.#limit = limit;
    this.#depth = depth;
    this.#budget = budget;
  }

  /** A reader over `der`, which must be refused or consumed in full. */
  static over(der: Uint8Array, limits: DerLimits = {}): DerReader {
    const maxBytes = limits.maxBytes ?? 65_536;
    if (der.length > maxBytes) {
      throw new PkiError("PKI_DER_LIMIT", `${der.length} bytes, at most ${maxBytes} are accepted`);
    }
    const budget = { nodes: limits.maxNodes ?? 16_384, maxDepth: limits.maxDepth ?? 32 };
    return new DerReader(der, 0, der.length, 0, budget);
  }

  get atEnd(): boolean {
    return this.#at >= this.#limit;
  }

  /** The next identifier octet, or -1 at the end. */
  get tag(): number {
    return this.#at < this.#limit ? (this.#bytes[this.#at] ?? -1) : -1;
  }

  /** The content of the next value, which must have this tag. A view, no copy. */
  read(tag: number, what: string): Uint8Array {
    const length = this.#header(tag, what);
    const content = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return content;
  }

  /** A reader over the inside of the next value, which must have this tag. */
  enter(tag: number, what: string): DerReader {
    const length = this.#header(tag, what);
    if (this.#depth >= this.#budget.maxDepth) throw tooDeep();
    const inner = new DerReader(this.#bytes, this.#at, this.#at + length, this.#depth + 1, this.#budget);
    this.#at += length;
    return inner;
  }

  sequence(what: string): DerReader {
    return this.enter(Tag.SEQUENCE, what);
  }

  set(what: string): DerReader {
    return this.enter(Tag.SET, what);
  }

  /** The value's own bytes, header included, of the value read last. */
  get lastEncoded(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }

  /** The next value whole, header included, whatever it is; everything constructed in it is checked to be DER. */
  any(what: string): Uint8Array {
    const start = this.#at;
    this.#walk(this.#depth, what);
    this.#start = start;
    return this.#bytes.subarray(start, this.#at);
  }

  /** X.690 §11.1: TRUE is 0xff. */
  boolean(what: string): boolean {
    const content = this.read(Tag.BOOLEAN, what);
    const value = content[0];
    if (content.length !== 1 || (value !== 0 && value !== 0xff)) {
      throw new PkiError("PKI_DER_VALUE", `${what}: a BOOLEAN that is neither 00 nor ff`);
    }
    return value === 0xff;
  }

  /** The content octets of an INTEGER: two's complement, in the fewest octets (X.690 §8.3.2). */
  integer(what: string, tag: number = Tag.INTEGER): Uint8Array {
    const content = this.read(tag, what);
    const first = content[0];
    if (first === undefined) throw new PkiError("PKI_DER_VALUE", `${what}: an INTEGER without octets`);
    const second = content[1];
    if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new PkiError("PKI_DER_VALUE", `${what}: an INTEGER that is not minimal`);
    }
    return content;
  }

  /** An INTEGER from 0 to 2^31-1. */
  smallInteger(what: string, tag: number = Tag.INTEGER): number {
    const content = this.integer(what, tag);
    if (content.length > 4 || (content[0] ?? 0) >= 0x80) {
      throw new PkiError("PKI_DER_VALUE", `${what}: an INTEGER outside 0 to 2147483647`);
    }
    let value = 0;
    for (const octet of content) value = value * 256 + octet;
    return value;
  }

  objectIdentifier(what: string): string {
    return decodeObjectIdentifier(this.read(Tag.OBJECT_IDENTIFIER, what));
  }

  octetString(what: string): Uint8Array {
    return this.read(Tag.OCTET_STRING, what);
  }

  null(what: string): void {
    if (this.read(Tag.NULL, what).length !== 0)
      throw new PkiError("PKI_DER_VALUE", `${what}: a NULL with octets`);
  }

  /** A BIT STRING of whole octets: a key or a signature. */
  bitString(what: string): Uint8Array {
    const content = this.read(Tag.BIT_STRING, what);
    if (content[0] !== 0)
      throw new PkiError("PKI_DER_VALUE", `${what}: a BIT STRING that does not end on an octet`);
    return content.subarray(1);
  }

  /** X.690 §11.2: the numbers of the bits that are set; no trailing zero bits, unused bits zero. */
  namedBitList(what: string): number[] {
    const content = this.read(Tag.BIT_STRING, what);
    const unused = content[0];
    const last = content.length - 1;
    if (unused === undefined || unused > 7 || (last === 0 && unused !== 0)) {
      throw new PkiError("PKI_DER_VALUE", `${what}: a BIT STRING with a wrong count of unused bits`);
    }
    const lastOctet = content[last] ?? 0;
    if (last > 0 && (lastOctet & ((2 << unused) - 1)) !== 1 << unused) {
      throw new PkiError(
        "PKI_DER_VALUE",
        `${what}: a named bit list with trailing zero bits or unused bits set`,
      );
    }
    const bits: number[] = [];
    for (let i = 1; i <= last; i++) {
      for (let bit = 0; bit < 8; bit++) {
        if (((content[i] ?? 0) & (0x80 >> bit)) !== 0) bits.push((i - 1) * 8 + bit);
      }
    }
    return bits;
  }

  /** `Time ::= CHOICE { utcTime UTCTime, generalTime GeneralizedTime }` */
  time(what: string): Date {
    const tag = this.tag === Tag.GENERALIZED_TIME ? Tag.GENERALIZED_TIME : Tag.UTC_TIME;
    return decodeTime(this.read(tag, what), tag);
  }

  /** Refuses bytes after the last field. */
  end(what: string): void {
    if (this.#at !== this.#limit) {
      throw new PkiError("PKI_DER_TRAILING", `${what}: ${this.#limit - this.#at} bytes too many`);
    }
  }

  /** Consumes the header and returns the content's length, which is known to fit. */
  #header(expected: number | undefined, what: string): number {
    const bytes = this.#bytes;
    const start = this.#at;
    if (start + 2 > this.#limit) throw new PkiError("PKI_DER_TRUNCATED", `${what}: the bytes end here`);
    const tag = bytes[start] ?? 0;
    if (expected !== undefined && tag !== expected) {
      throw new PkiError("PKI_DER_TAG", `${what}: tag ${hex(tag)}, wanted ${hex(expected)}`);
    }
    if (--this.#budget.nodes < 0) throw new PkiError("PKI_DER_LIMIT", `${what}: too many values`);
    let at = start + 2;
    let length = bytes[start + 1] ?? 0;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      // X.690 §10.1: the definite form; four octets are more than any limit here needs.
      if (octets === 0) throw new PkiError("PKI_DER_LENGTH", `${what}: an indefinite length`);
      if (octets > 4) throw new PkiError("PKI_DER_LENGTH", `${what}: a length of ${octets} octets`);
      if (at + octets > this.#limit)
        throw new PkiError("PKI_DER_TRUNCATED", `${what}: the bytes end in a length`);
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + i] ?? 0);
      if (length < 0x80 || bytes[at] === 0)
        throw new PkiError("PKI_DER_LENGTH", `${what}: a length that is not minimal`);
      at += octets;
    }
    if (length > this.#limit - at) {
      throw new PkiError("PKI_DER_TRUNCATED", `${what}: ${length} bytes wanted, ${this.#limit - at} left`);
    }
    this.#start = start;
    this.#at = at;
    return length;
  }

  #walk(depth: number, what: string): void {
    const tag = this.tag;
    const length = this.#header(undefined, what);
    const limit = this.#at + length;
    if ((tag & 0x1f) === 0x1f || tag === 0) throw new PkiError("PKI_DER_TAG", `${what}: tag ${hex(tag)}`);
    const isConstructed = (tag & 0x20) !== 0;
    // X.690 §10.2: of the universal types only SEQUENCE and SET are constructed in DER.
    if (tag < 0x40 && isConstructed !== ((tag & 0x1f) === 0x10 || (tag & 0x1f) === 0x11)) {
      throw new PkiError("PKI_DER_TAG", `${what}: tag ${hex(tag)} with a wrong constructed bit`);
    }
    if (!isConstructed) {
      this.#at = limit;
      return;
    }
    if (depth >= this.#budget.maxDepth) throw tooDeep();
    const inner = new DerReader(this.#bytes, this.#at, limit, depth + 1, this.#budget);
    while (!inner.atEnd) inner.#walk(depth + 1, what);
    this.#at = limit;
  }
}

/** Reads one structure that fills `der`. */
export function decode<T>(
  der: Uint8Array,
  what: string,
  read: (reader: DerReader) => T,
  limits?: DerLimits,
): T {
  const reader = DerReader.over(der, limits);
  const value = read(reader);
  reader.end(what);
  return value;
}

function tooDeep(): PkiError {
  return new PkiError("PKI_DER_LIMIT", "values are nested too deep");
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, "0")}`;
}
