import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { DtlsError } from "../errors.ts";
import { schemesForKey } from "./signature.ts";

/**
 * The key of a certificate. This walks to the key and reads nothing else: whether the certificate is to be believed is
 * for whoever verifies the peer.
 *
 * RFC 5280 §4.1
 *     Certificate  ::=  SEQUENCE  {
 *         tbsCertificate       TBSCertificate,
 *         signatureAlgorithm   AlgorithmIdentifier,
 *         signatureValue       BIT STRING  }
 *     TBSCertificate  ::=  SEQUENCE  {
 *         version         [0]  EXPLICIT Version DEFAULT v1,
 *         serialNumber         CertificateSerialNumber,
 *         signature            AlgorithmIdentifier,
 *         issuer               Name,
 *         validity             Validity,
 *         subject              Name,
 *         subjectPublicKeyInfo SubjectPublicKeyInfo, ... }
 */
export function publicKeyOfCertificate(der: Uint8Array): KeyObject {
  return remembered(der, spkiOfCertificate);
}

/** The key of a raw public key (RFC 7250 §3): `der` is a SubjectPublicKeyInfo and nothing more. */
export function publicKeyOfSpki(der: Uint8Array): KeyObject {
  return remembered(der, wholeSpki);
}

/** RFC 5280 sets no limit. A certificate of a device has 1 kB, one with every extension there is has a few. */
const maxCertificateLength = 65_535;

/**
 * OpenSSL's readers of certificates, and so `new X509Certificate()`, look for PEM first and find it anywhere. Within the
 * DER of a certificate it would make another one of it than the one whose key was proved (A4).
 */
const pemMarker = "-----BEGIN ";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const VERSION = 0xa0;

/** AlgorithmIdentifier of the keys that sign for us: each has one DER form. What is not here, OpenSSL does not get. */
const algorithmIdentifiers: ReadonlySet<string> = new Set([
  // RFC 5480 §2.1.1: id-ecPublicKey with secp256r1, with secp384r1
  "301306072a8648ce3d020106082a8648ce3d030107",
  "301006072a8648ce3d020106052b81040022",
  // RFC 8410 §3: id-Ed25519, without parameters
  "300506032b6570",
  // RFC 3279 §2.3.1: rsaEncryption, with NULL
  "300d06092a864886f70d0101010500",
]);

/**
 * Making a key object costs 15 to 70 microseconds, a hash one or two; a peer that comes again is the usual case.
 * Certificates and raw keys share it: what is DER of the one is never DER of the other.
 */
const cache = new Map<string, KeyObject>();
const cacheSize = 2048;

function remembered(der: Uint8Array, spkiOf: (der: Uint8Array) => Uint8Array): KeyObject {
  if (der.length > maxCertificateLength) {
    throw bad(`${der.length} bytes, at most ${maxCertificateLength} are read`);
  }
  const fingerprint = hash("sha256", der, "base64url");
  const known = cache.get(fingerprint);
  if (known !== undefined) {
    // The order of a Map is that of insertion: the first one is the one that was longest not asked for.
    cache.delete(fingerprint);
    cache.set(fingerprint, known);
    return known;
  }
  const key = readKey(spkiOf(der));
  if (cache.size >= cacheSize) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }
  cache.set(fingerprint, key);
  return key;
}

function readKey(spki: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw bad("its public key cannot be read", cause);
  }
  if (schemesForKey(key).length === 0) throw notOurs();
  return key;
}

function spkiOfCertificate(der: Uint8Array): Uint8Array {
  if (Buffer.from(der.buffer, der.byteOffset, der.length).includes(pemMarker)) {
    throw bad("PEM stands within it");
  }
  const certificate = valueAt(der, 0, der.length, SEQUENCE);
  if (certificate.end !== der.length) throw bad("bytes follow the certificate");
  const tbs = valueAt(der, certificate.start, certificate.end, SEQUENCE);
  const signatureAlgorithm = valueAt(der, tbs.end, certificate.end, SEQUENCE);
  const signature = valueAt(der, signatureAlgorithm.end, certificate.end, BIT_STRING);
  if (signature.end !== certificate.end) throw bad("bytes follow the signature");

  let at = tbs.start;
  if (der[at] === VERSION) at = valueAt(der, at, tbs.end, VERSION).end;
  at = valueAt(der, at, tbs.end, INTEGER).end;
  // signature, issuer, validity, subject
  for (let field = 0; field < 4; field++) at = valueAt(der, at, tbs.end, SEQUENCE).end;
  return spkiAt(der, at, tbs.end);
}

function wholeSpki(der: Uint8Array): Uint8Array {
  const spki = spkiAt(der, 0, der.length);
  if (spki.length !== der.length) throw bad("bytes follow the public key");
  return spki;
}

/** RFC 5280 §4.1: SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } */
function spkiAt(der: Uint8Array, at: number, limit: number): Uint8Array {
  const spki = valueAt(der, at, limit, SEQUENCE);
  const algorithm = valueAt(der, spki.start, spki.end, SEQUENCE);
  const subjectPublicKey = valueAt(der, algorithm.end, spki.end, BIT_STRING);
  if (subjectPublicKey.end !== spki.end) throw bad("bytes follow the bits of the public key");
  const identifier = Buffer.from(der.subarray(spki.start, algorithm.end)).toString("hex");
  // RFC 5480 §2.1.1: a curve is named, never spelled out.
  if (!algorithmIdentifiers.has(identifier)) throw notOurs();
  return der.subarray(at, spki.end);
}

/** Where the content of the value at `at` lies. X.690 §10.1: a definite length in the fewest octets. */
function valueAt(der: Uint8Array, at: number, limit: number, tag: number): { start: number; end: number } {
  if (at + 2 > limit) throw bad("it ends too early");
  if (der[at] !== tag) throw bad(`a value of tag ${der[at]} where ${tag} belongs`);
  const first = der[at + 1] ?? 0;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first - 0x80;
    // Two octets reach 65535, and nothing longer is read.
    if (octets !== 1 && octets !== 2) throw bad("a length that DER does not have, or that is too large");
    start += octets;
    length = octets === 1 ? (der[at + 2] ?? 0) : ((der[at + 2] ?? 0) << 8) | (der[at + 3] ?? 0);
    if (length < (octets === 1 ? 0x80 : 0x100)) throw bad("a length that is not minimal");
  }
  if (start + length > limit) throw bad("a value is longer than what holds it");
  return { start, end: start + length };
}

function notOurs(): DtlsError {
  return bad("its public key is not of P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits");
}

function bad(what: string, cause?: unknown): DtlsError {
  return new DtlsError("DTLS_BAD_CERTIFICATE", `the peer's certificate or key: ${what}`, { cause });
}
