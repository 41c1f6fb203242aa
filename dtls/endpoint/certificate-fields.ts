import { DtlsError } from "../errors.ts";

/** What node:crypto does not tell of a certificate. Nothing of it is to be believed before a signature is checked. */
export interface CertificateFields {
  /** The content of the object identifier, in hex. */
  readonly signatureAlgorithm: string;
  readonly notAfter: Date;
  /** The subject's distinguished name, DER. */
  readonly subject: Uint8Array;
  /** By the content of their object identifiers, in hex. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
}

interface CertificateExtension {
  readonly critical: boolean;
  /** The DER within the OCTET STRING. */
  readonly value: Uint8Array;
}

/** RFC 5280 §4.2.1: 2.5.29.14 to 2.5.29.37, as the content of their object identifiers. */
export const extensionIds = {
  subjectKeyIdentifier: "551d0e",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  nameConstraints: "551d1e",
  crlDistributionPoints: "551d1f",
  certificatePolicies: "551d20",
  authorityKeyIdentifier: "551d23",
  extKeyUsage: "551d25",
} as const;

/**
 * RFC 5280 §4.1
 *     TBSCertificate  ::=  SEQUENCE  {
 *         version         [0]  EXPLICIT Version DEFAULT v1,
 *         serialNumber         CertificateSerialNumber,
 *         signature            AlgorithmIdentifier,
 *         issuer               Name,
 *         validity             Validity,
 *         subject              Name,
 *         subjectPublicKeyInfo SubjectPublicKeyInfo,
 *         issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
 *         subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
 *         extensions      [3]  EXPLICIT Extensions OPTIONAL }
 *
 * @throws DtlsError DTLS_BAD_CERTIFICATE
 */
export function readCertificateFields(der: Uint8Array): CertificateFields {
  const [certificate] = elements(der);
  const [tbs, algorithm] = inside(certificate, SEQUENCE);
  const fields = fieldsOf(tbs);
  const extensions = fields.rest.find(({ tag }) => tag === EXTENSIONS);
  return {
    signatureAlgorithm: hex(content(inside(algorithm, SEQUENCE)[0], OBJECT_IDENTIFIER)),
    notAfter: notAfterOf(fields.validity),
    subject: fields.subject?.der ?? new Uint8Array(),
    extensions: extensions === undefined ? new Map() : readExtensions(extensions),
  };
}

/** The one field that every handshake asks for. @throws DtlsError DTLS_BAD_CERTIFICATE */
export function readNotAfter(der: Uint8Array): Date {
  const [certificate] = elements(der);
  return notAfterOf(fieldsOf(inside(certificate, SEQUENCE)[0]).validity);
}

/** RFC 5280 §4.2.1.9: SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL } */
export function readBasicConstraints(value: Uint8Array): { ca: boolean; pathLength: number | undefined } {
  const [sequence] = elements(value);
  const fields = inside(sequence, SEQUENCE);
  const ca = fields.some(({ tag, content }) => tag === BOOLEAN && content.length === 1 && content[0] !== 0);
  const limit = fields.find(({ tag }) => tag === INTEGER);
  // A limit of more than one byte is no limit for paths that are at most ten long.
  const pathLength = limit?.content.length === 1 ? limit.content[0] : undefined;
  return { ca, pathLength };
}

/** RFC 5280 §4.2.1.3: bit 0, the first of the BIT STRING, is digitalSignature. */
export function allowsDigitalSignature(value: Uint8Array): boolean {
  const [bits] = elements(value);
  return ((content(bits, BIT_STRING)[1] ?? 0) & 0x80) !== 0;
}

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** A value, by its place: a certificate has a hundred of them, of which few are looked at. */
class Element {
  readonly tag: number;
  readonly source: Uint8Array;
  readonly #at: number;
  readonly start: number;
  readonly end: number;

  constructor(source: Uint8Array, at: number, start: number, end: number) {
    this.tag = source[at] ?? 0;
    this.source = source;
    this.#at = at;
    this.start = start;
    this.end = end;
  }

  get content(): Uint8Array {
    return this.source.subarray(this.start, this.end);
  }

  /** With tag and length. */
  get der(): Uint8Array {
    return this.source.subarray(this.#at, this.end);
  }
}

function fieldsOf(tbs: Element | undefined) {
  const fields = inside(tbs, SEQUENCE);
  const [, , , validity, subject, ...rest] = fields[0]?.tag === VERSION ? fields.slice(1) : fields;
  return { validity, subject, rest };
}

function notAfterOf(validity: Element | undefined): Date {
  return readTime(inside(validity, SEQUENCE)[1]);
}

function readExtensions(explicit: Element): Map<string, CertificateExtension> {
  const [sequence] = inside(explicit, EXTENSIONS);
  const extensions = new Map<string, CertificateExtension>();
  for (const extension of inside(sequence, SEQUENCE)) {
    const [id, second, third] = inside(extension, SEQUENCE);
    const critical = second?.tag === BOOLEAN && second.content[0] !== 0;
    const key = hex(content(id, OBJECT_IDENTIFIER));
    // RFC 5280 §4.2: a certificate MUST NOT include more than one instance of a particular extension.
    if (extensions.has(key)) throw malformed();
    extensions.set(key, {
      critical,
      value: content(second?.tag === BOOLEAN ? third : second, OCTET_STRING),
    });
  }
  return extensions;
}

/** RFC 5280 §4.1.2.5: YYMMDDHHMMSSZ, years from 1950 on, or YYYYMMDDHHMMSSZ. */
function readTime(element: Element | undefined): Date {
  const text = viewed(element?.content ?? new Uint8Array()).toString("latin1");
  const full = element?.tag === UTC_TIME ? (text < "5" ? "20" : "19") + text : text;
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if ((element?.tag !== UTC_TIME && element?.tag !== GENERALIZED_TIME) || digits === null) throw malformed();
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function elements(bytes: Uint8Array, from = 0, to = bytes.length): readonly Element[] {
  const found: Element[] = [];
  for (let offset = from; offset < to; ) {
    const first = bytes[offset + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    // Indefinite lengths are not DER, and nothing here is longer than 16 MB.
    if (first === 0x80 || lengthBytes > 3) throw malformed();
    let length = first < 0x80 ? first : 0;
    for (let index = 0; index < lengthBytes; index++)
      length = length * 256 + (bytes[offset + 2 + index] ?? 0);
    const start = offset + 2 + lengthBytes;
    if (start + length > to) throw malformed();
    const end = start + length;
    found.push(new Element(bytes, offset, start, end));
    offset = end;
  }
  return found;
}

function inside(element: Element | undefined, tag: number): readonly Element[] {
  if (element?.tag !== tag) throw malformed();
  return elements(element.source, element.start, element.end);
}

function content(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw malformed();
  return element.content;
}

function hex(bytes: Uint8Array): string {
  return viewed(bytes).toString("hex");
}

function viewed(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function malformed(): DtlsError {
  return new DtlsError("DTLS_BAD_CERTIFICATE", "a certificate is not the DER of RFC 5280");
}
