import { constants, type KeyObject, verify } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed } from "../der/tag.ts";
import { PkiError } from "../errors.ts";
import {
  hasRightParameters,
  isDerNull,
  readAlgorithmIdentifier,
  type Signed,
  signatureAlgorithmOf,
  verifySignature,
} from "../x509/algorithms.ts";
import { EC_PUBLIC_KEY, readSubjectPublicKeyInfo } from "../x509/public-key.ts";

/**
 * MD5, SHA-1 and SHA-224 (RFC 9155; RFC 9325 §4.1: no less than 112-bit security) and all that is not known here
 * are refused before anything is verified.
 * @param what the signed thing, for the message
 * @throws PkiError PKI_PATH_WEAK_ALGORITHM
 */
export function checkSignatureAlgorithm(signed: Signed, what: string): void {
  const { signatureAlgorithm: oid, signatureParameters: parameters } = signed;
  if (oid === RSASSA_PSS) {
    if (readPssParameters(signed) !== undefined) return;
    throw weak(
      `${what} is signed with RSA-PSS, but not with one of SHA-256, SHA-384 and SHA-512 for both hashes`,
    );
  }
  const algorithm = signatureAlgorithmOf(oid);
  if (algorithm === undefined) {
    const name = weakAlgorithms.get(oid);
    throw weak(`${what} is signed with ${name ?? oid}, which is ${name ? "too weak" : "not accepted here"}`);
  }
  if (!hasRightParameters(algorithm, parameters)) {
    throw weak(`${what} is signed with ${algorithm.name} and wrong parameters`);
  }
}

/** Whether the key made this signature. False, too, for an algorithm that checkSignatureAlgorithm refuses. */
export function isSignatureOf(key: KeyObject, signed: Signed): boolean {
  try {
    if (signed.signatureAlgorithm !== RSASSA_PSS) return verifySignature(signed, key);
    const pss = readPssParameters(signed);
    if (pss === undefined || (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "rsa-pss"))
      return false;
    const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength };
    return verify(pss.hash, signed.tbs, options, signed.signature);
  } catch {
    // Refused algorithms, and keys and signatures that OpenSSL finds cannot belong together: no signature.
    return false;
  }
}

/**
 * RFC 9325 §4, NIST SP 800-57: RSA from 2048 bits, the curves P-256, P-384 and P-521, Ed25519, ML-DSA. The upper
 * bounds on RSA keep one verification cheap. That a curve is named and not described is the parser's rule.
 * @param what the key's owner, for the message
 * @throws PkiError PKI_PATH_WEAK_ALGORITHM
 */
export function checkPublicKey(subjectPublicKeyInfo: Uint8Array, what: string): void {
  const { algorithm, subjectPublicKey } = decode(
    subjectPublicKeyInfo,
    "SubjectPublicKeyInfo",
    readSubjectPublicKeyInfo,
  );
  const { algorithm: oid, parameters } = algorithm;
  if (oid === RSA_ENCRYPTION || oid === RSASSA_PSS) return checkRsaKey(subjectPublicKey, what);
  if (oid === EC_PUBLIC_KEY && parameters !== undefined) {
    const curve = decode(parameters, "namedCurve", (reader) => reader.objectIdentifier("namedCurve"));
    if (curves.has(curve)) return;
    throw weak(`${what} has a key on the curve ${curve}; P-256, P-384 and P-521 are accepted`);
  }
  // Ed25519 and ML-DSA name the key and its signatures by the same OID.
  if (signatureAlgorithmOf(oid) === undefined)
    throw weak(`${what} has a key of the kind ${oid}, which is not accepted here`);
}

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const RSASSA_PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";

const weakAlgorithms: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.1.2", "MD2 and RSA"],
  ["1.2.840.113549.1.1.4", "MD5 and RSA"],
  ["1.2.840.113549.1.1.5", "SHA-1 and RSA"],
  ["1.3.14.3.2.29", "SHA-1 and RSA"],
  ["1.2.840.113549.1.1.14", "SHA-224 and RSA"],
  ["1.2.840.10040.4.3", "SHA-1 and DSA"],
  ["1.2.840.10045.4.1", "SHA-1 and ECDSA"],
  ["1.2.840.10045.4.3.1", "SHA-224 and ECDSA"],
]);

const hashes: ReadonlyMap<string, string> = new Map([
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

const curves: ReadonlySet<string> = new Set(["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"]);

/**
 * RFC 4055 §3.1
 *     RSASSA-PSS-params  ::=  SEQUENCE  {
 *       hashAlgorithm      [0] HashAlgorithm DEFAULT sha1Identifier,
 *       maskGenAlgorithm   [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
 *       saltLength         [2] INTEGER DEFAULT 20,
 *       trailerField       [3] INTEGER DEFAULT 1  }
 * Undefined for hashes that are not accepted. The defaults are SHA-1, so absent ones are among them; node:crypto
 * takes the same hash for both, which RFC 4055 §3.1 recommends.
 */
function readPssParameters(signed: Signed): { hash: string; saltLength: number } | undefined {
  if (signed.signatureParameters === undefined) return undefined;
  return decode(signed.signatureParameters, "RSASSA-PSS-params", (reader) => {
    const fields = reader.sequence("RSASSA-PSS-params");
    const tagged = <T>(n: number, read: (inner: DerReader) => T): T | undefined => {
      if (fields.tag !== contextConstructed(n)) return undefined;
      const inner = fields.enter(contextConstructed(n), "RSASSA-PSS-params");
      const value = read(inner);
      inner.end("RSASSA-PSS-params");
      return value;
    };
    const hash = tagged(0, readHash);
    const maskHash = tagged(1, (inner) => {
      const { algorithm, parameters } = readAlgorithmIdentifier(inner, "maskGenAlgorithm");
      return algorithm === MGF1 && parameters ? decode(parameters, "maskGenAlgorithm", readHash) : undefined;
    });
    const saltLength = tagged(2, (inner) => inner.smallInteger("saltLength")) ?? 20;
    const trailerField = tagged(3, (inner) => inner.smallInteger("trailerField")) ?? 1;
    fields.end("RSASSA-PSS-params");
    return hash === undefined || maskHash !== hash || trailerField !== 1 ? undefined : { hash, saltLength };
  });
}

function readHash(reader: DerReader): string | undefined {
  const { algorithm, parameters } = readAlgorithmIdentifier(reader, "hashAlgorithm");
  return parameters === undefined || isDerNull(parameters) ? hashes.get(algorithm) : undefined;
}

/** `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 A.1.1) */
function checkRsaKey(key: Uint8Array, what: string): void {
  const [modulusBits, exponentBits] = decode(key, "RSAPublicKey", (reader) => {
    const fields = reader.sequence("RSAPublicKey");
    const bits = [bitLength(fields.integer("modulus")), bitLength(fields.integer("publicExponent"))] as const;
    fields.end("RSAPublicKey");
    return bits;
  });
  if (modulusBits < 2048)
    throw weak(`${what} has an RSA key of ${modulusBits} bits; at least 2048 are needed`);
  if (modulusBits > 8192)
    throw weak(`${what} has an RSA key of ${modulusBits} bits; at most 8192 are accepted`);
  if (exponentBits < 2 || exponentBits > 33)
    throw weak(`${what} has an RSA key with an unusual public exponent`);
}

function bitLength(integer: Uint8Array): number {
  let start = 0;
  while (start < integer.length - 1 && integer[start] === 0) start++;
  const first = integer[start] ?? 0;
  // A negative INTEGER is no modulus and no exponent.
  if (start === 0 && first >= 0x80) return 0;
  return (integer.length - start - 1) * 8 + (32 - Math.clz32(first));
}

function weak(message: string): PkiError {
  return new PkiError("PKI_PATH_WEAK_ALGORITHM", message);
}
