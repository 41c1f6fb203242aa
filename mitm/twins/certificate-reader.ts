import { decodeObjectIdentifier } from "../../pki/der/object-identifier.ts";
import { Tag } from "../../pki/der/tag.ts";
import { decodeTime } from "../../pki/der/time.ts";

/** A value of a BER encoding: what is inside, and the whole. */
interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** What a certificate says, of a certificate that need be no DER. */
export interface TwinCertificate {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly version: number;
  readonly serialNumber: Uint8Array;
  /** DER of the Names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo with its header. */
  readonly publicKeyInfo: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** By OID; of two of a kind the first. */
  readonly extensions: ReadonlyMap<string, { readonly critical: boolean; readonly value: Uint8Array }>;
  /** There are two of a kind. */
  readonly repeatsExtension: boolean;
}

/**
 * Reads what a careless reader would: lengths need not be minimal, what follows is passed over, and of two extensions of
 * a kind the first counts. A twin that keeps the rules lets `pki/` read the certificate as well, which refuses all that.
 * Throws RangeError, or PkiError for values that make no sense at all.
 */
export function readTwinCertificate(der: Uint8Array): TwinCertificate {
  const [tbs, algorithm, signature] = inside(first(der));
  const fields = inside(tbs);
  const version = fields[0]?.tag === 0xa0 ? integerOf(inside(fields.shift())[0]) + 1 : 1;
  const [serialNumber, , issuer, validity, subject, publicKeyInfo, ...rest] = fields;
  const [notBefore, notAfter] = inside(validity);
  const extensions = new Map<string, { critical: boolean; value: Uint8Array }>();
  let repeatsExtension = false;
  const list = rest.find(({ tag }) => tag === 0xa3);
  for (const extension of list === undefined ? [] : inside(inside(list)[0])) {
    const parts = inside(extension);
    const oid = decodeObjectIdentifier(contentOf(parts[0]));
    const critical = parts[1]?.tag === Tag.BOOLEAN && parts[1].content[0] !== 0;
    if (extensions.has(oid)) repeatsExtension = true;
    else extensions.set(oid, { critical, value: contentOf(parts.at(-1)) });
  }
  return {
    der,
    tbs: wholeOf(tbs),
    version,
    serialNumber: contentOf(serialNumber),
    issuer: wholeOf(issuer),
    subject: wholeOf(subject),
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    publicKeyInfo: wholeOf(publicKeyInfo),
    signatureAlgorithm: decodeObjectIdentifier(contentOf(inside(algorithm)[0])),
    signature: contentOf(signature).subarray(1),
    extensions,
    repeatsExtension,
  };
}

/** A name of subjectAltName: its context tag, and its bytes as Latin-1. */
export interface TwinName {
  readonly kind: "dNSName" | "iPAddress" | "uniformResourceIdentifier" | "rfc822Name" | "other";
  readonly text: string;
}

const kinds: ReadonlyMap<number, TwinName["kind"]> = new Map([
  [0x81, "rfc822Name"],
  [0x82, "dNSName"],
  [0x86, "uniformResourceIdentifier"],
  [0x87, "iPAddress"],
]);

/** `GeneralNames ::= SEQUENCE OF GeneralName` */
export function readNames(value: Uint8Array): TwinName[] {
  return inside(first(value)).map(({ tag, content }) => ({
    kind: kinds.get(tag) ?? "other",
    text: Buffer.from(content).toString("latin1"),
  }));
}

/** Every value of an attribute of a Name, as Latin-1. */
export function readAttribute(name: Uint8Array, wanted: string): string[] {
  return inside(first(name))
    .flatMap(inside)
    .map(inside)
    .filter(([type]) => decodeObjectIdentifier(contentOf(type)) === wanted)
    .map(([, value]) => Buffer.from(contentOf(value)).toString("latin1"));
}

/** The values that a value is made of. */
export function inside(value: Value | undefined): Value[] {
  const values: Value[] = [];
  let rest = contentOf(value);
  while (rest.length > 0) {
    const next = first(rest);
    values.push(next);
    rest = rest.subarray(next.whole.length);
  }
  return values;
}

/** The value that stands first. X.690 §8.1.3: short and long lengths, of whatever many octets; none indefinite. */
export function first(bytes: Uint8Array): Value {
  const [tag, lengthOctet] = bytes;
  if (tag === undefined || lengthOctet === undefined) throw new RangeError("a value without a header");
  let at = 2;
  let length = lengthOctet;
  if (lengthOctet >= 0x80) {
    const octets = lengthOctet & 0x7f;
    if (octets === 0 || octets > 6) throw new RangeError("a length that is indefinite or absurd");
    length = 0;
    for (; at < 2 + octets; at += 1) length = length * 256 + (bytes[at] ?? 0);
  }
  if (at + length > bytes.length) throw new RangeError("a value that ends after its bytes");
  return { tag, content: bytes.subarray(at, at + length), whole: bytes.subarray(0, at + length) };
}

function contentOf(value: Value | undefined): Uint8Array {
  if (value === undefined) throw new RangeError("a field is missing");
  return value.content;
}

function wholeOf(value: Value | undefined): Uint8Array {
  if (value === undefined) throw new RangeError("a field is missing");
  return value.whole;
}

function integerOf(value: Value | undefined): number {
  return contentOf(value).reduce((sum, octet) => sum * 256 + octet, 0);
}

function timeOf(value: Value | undefined): Date {
  return decodeTime(contentOf(value), value?.tag ?? 0);
}
