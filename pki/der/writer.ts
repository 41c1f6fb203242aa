import { encodeObjectIdentifier } from "./object-identifier.ts";
import { contextConstructed, contextPrimitive, Tag } from "./tag.ts";
import { encodeTime, timeTag } from "./time.ts";

/**
 * A DER value that knows its length. Building the tree is the first pass (each node adds up its children);
 * `encode` is the second, and writes into one buffer of exactly the right size.
 */
export class DerNode {
  readonly tag: number;
  readonly length: number;
  /** Header and content. */
  readonly size: number;
  readonly content: Uint8Array | readonly DerNode[];

  constructor(tag: number, content: Uint8Array | readonly DerNode[], length: number) {
    this.tag = tag;
    this.content = content;
    this.length = length;
    this.size = tag === ENCODED ? length : 1 + lengthOctets(length) + length;
  }
}

/** What stands for an OPTIONAL field that is absent. */
export type Optional = DerNode | undefined;

/** Second pass: the bytes of a node. */
export function encode(node: DerNode): Uint8Array {
  const out = new Uint8Array(node.size);
  write(node, out, 0);
  return out;
}

/** Bytes that are DER already, taken over as they are. */
export const encoded = (der: Uint8Array): DerNode => new DerNode(ENCODED, der, der.length);

/** `SEQUENCE { ... }`; an absent OPTIONAL field is `undefined`. */
export const sequence = (...fields: readonly Optional[]): DerNode => constructed(Tag.SEQUENCE, fields);

/** X.690 §11.6: the elements of a SET OF stand in ascending order of their encodings. */
export function setOf(...elements: readonly DerNode[]): DerNode {
  if (elements.length < 2) return constructed(Tag.SET, elements);
  const sorted = elements.map(encode).toSorted((a, b) => Buffer.compare(a, b));
  return constructed(Tag.SET, sorted.map(encoded));
}

/** `[n] EXPLICIT` */
export const explicit = (n: number, inner: DerNode): DerNode => constructed(contextConstructed(n), [inner]);

/** `[n] IMPLICIT`: the same content under another tag. */
export function implicit(n: number, inner: DerNode): DerNode {
  if (inner.tag === ENCODED) throw new TypeError("encoded bytes cannot be given another tag");
  const tag = (inner.tag & 0x20) === 0 ? contextPrimitive(n) : contextConstructed(n);
  return new DerNode(tag, inner.content, inner.length);
}

export const boolean = (value: boolean): DerNode => primitive(Tag.BOOLEAN, Uint8Array.of(value ? 0xff : 0));

/** An INTEGER; bytes are an unsigned big-endian number, shortened or padded as X.690 §8.3 wants it. */
export const integer = (value: number | bigint | Uint8Array): DerNode =>
  primitive(Tag.INTEGER, integerContent(value));

export const enumerated = (value: number): DerNode => primitive(Tag.ENUMERATED, integerContent(value));

export const nullValue = (): DerNode => primitive(Tag.NULL, EMPTY);

export const objectIdentifier = (oid: string): DerNode =>
  primitive(Tag.OBJECT_IDENTIFIER, encodeObjectIdentifier(oid));

/** An OCTET STRING, of bytes or around a DER value. */
export const octetString = (value: Uint8Array | DerNode): DerNode =>
  value instanceof DerNode
    ? new DerNode(Tag.OCTET_STRING, [value], value.size)
    : primitive(Tag.OCTET_STRING, value);

/** A BIT STRING of whole octets. */
export const bitString = (value: Uint8Array): DerNode =>
  new DerNode(Tag.BIT_STRING, [encoded(NO_UNUSED_BITS), encoded(value)], value.length + 1);

/** X.690 §11.2.2: a named bit list without its trailing zero bits. Bit 0 is the leftmost. */
export function namedBitList(bits: Iterable<number>): DerNode {
  const set = [...bits];
  const highest = Math.max(-1, ...set);
  const content = new Uint8Array(1 + Math.ceil((highest + 1) / 8));
  content[0] = highest < 0 ? 0 : 7 - (highest % 8);
  for (const bit of set) content[1 + (bit >> 3)] = (content[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return primitive(Tag.BIT_STRING, content);
}

export const utf8String = (text: string): DerNode => primitive(Tag.UTF8_STRING, Buffer.from(text, "utf8"));

/** Throws RangeError for a character outside X.680 §41.4. */
export function printableString(text: string): DerNode {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) throw new RangeError("not a PrintableString");
  return primitive(Tag.PRINTABLE_STRING, Buffer.from(text, "latin1"));
}

/** Throws RangeError for a character outside ASCII. */
export const ia5String = (text: string): DerNode => primitive(Tag.IA5_STRING, ascii(text));

/** BMPString: UTF-16, big-endian (PKCS#12 writes its passwords and names so). */
export const bmpString = (text: string): DerNode =>
  primitive(Tag.BMP_STRING, Buffer.from(text, "utf16le").swap16());

/** `Time ::= CHOICE { utcTime, generalTime }` by RFC 5280 §4.1.2.5. */
export function time(date: Date): DerNode {
  const tag = timeTag(date);
  return primitive(tag, encodeTime(date, tag));
}

export const primitive = (tag: number, content: Uint8Array): DerNode =>
  new DerNode(tag, content, content.length);

/** A constructed value of any tag. */
export function constructed(tag: number, fields: readonly Optional[]): DerNode {
  const present: DerNode[] = [];
  let length = 0;
  for (const field of fields) {
    if (field === undefined) continue;
    present.push(field);
    length += field.size;
  }
  return new DerNode(tag, present, length);
}

const ENCODED = -1;
const EMPTY = new Uint8Array(0);
const NO_UNUSED_BITS = Uint8Array.of(0);

function write(node: DerNode, out: Uint8Array, start: number): number {
  let at = start;
  const { content, length } = node;
  if (node.tag !== ENCODED) {
    out[at++] = node.tag;
    at = writeLength(length, out, at);
  }
  if (content instanceof Uint8Array) {
    out.set(content, at);
    return at + length;
  }
  for (const child of content) at = write(child, out, at);
  return at;
}

function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x100) return 2;
  if (length < 0x1_0000) return 3;
  if (length < 0x100_0000) return 4;
  return 5;
}

function writeLength(length: number, out: Uint8Array, start: number): number {
  let at = start;
  const octets = lengthOctets(length) - 1;
  if (octets === 0) {
    out[at++] = length;
    return at;
  }
  out[at++] = 0x80 | octets;
  for (let shift = (octets - 1) * 8; shift >= 0; shift -= 8) out[at++] = (length >>> shift) & 0xff;
  return at;
}

function integerContent(value: number | bigint | Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    if (value < 0 || (typeof value === "number" && !Number.isSafeInteger(value))) {
      throw new RangeError("an INTEGER must be a whole number that is not negative");
    }
    const hex = value.toString(16);
    return integerContent(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex"));
  }
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const first = value[start] ?? 0;
  if (value.length > 0 && first < 0x80) return start === 0 ? value : value.subarray(start);
  const padded = new Uint8Array(value.length - start + 1);
  padded.set(value.subarray(start), 1);
  return padded;
}

function ascii(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) throw new RangeError("not an IA5String");
  }
  return bytes;
}
