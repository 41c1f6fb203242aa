import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { Tag } from "../der/tag.ts";
import { bitString, encode, objectIdentifier, sequence } from "../der/writer.ts";
import { PkiError } from "../errors.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithms.ts";

export const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const UNCOMPRESSED = 0x04;

/**
 * RFC 5280 §4.1
 *     SubjectPublicKeyInfo ::= SEQUENCE {
 *       algorithm         AlgorithmIdentifier,
 *       subjectPublicKey  BIT STRING }
 */
export interface SubjectPublicKeyInfo {
  readonly der: Uint8Array;
  readonly algorithm: AlgorithmIdentifier;
  readonly subjectPublicKey: Uint8Array;
}

export function readSubjectPublicKeyInfo(reader: DerReader): SubjectPublicKeyInfo {
  const fields = reader.sequence("SubjectPublicKeyInfo");
  const der = reader.lastEncoded;
  const algorithm = readAlgorithmIdentifier(fields, "AlgorithmIdentifier");
  const subjectPublicKey = fields.bitString("subjectPublicKey");
  fields.end("SubjectPublicKeyInfo");
  // RFC 5480 §2.1.1: namedCurve only; implicitCurve and specifiedCurve MUST NOT be used.
  if (algorithm.algorithm === EC_PUBLIC_KEY && algorithm.parameters?.[0] !== Tag.OBJECT_IDENTIFIER) {
    throw new PkiError("PKI_PUBLIC_KEY_INVALID", "an EC key must name its curve, not describe it");
  }
  return { der, algorithm, subjectPublicKey };
}

/** The key of a SubjectPublicKeyInfo. Throws PKI_PUBLIC_KEY_INVALID (a point off the curve, an unknown algorithm). */
export function importPublicKey(subjectPublicKeyInfo: Uint8Array): KeyObject {
  const der = Uint8Array.from(subjectPublicKeyInfo);
  const info = decode(der, "SubjectPublicKeyInfo", readSubjectPublicKeyInfo);
  // RFC 5480 §2.2: support for compressed points is a MAY; with one form a key has one encoding, and one pin.
  if (info.algorithm.algorithm === EC_PUBLIC_KEY && info.subjectPublicKey[0] !== UNCOMPRESSED) {
    throw new PkiError("PKI_PUBLIC_KEY_INVALID", "an EC point that is not in uncompressed form");
  }
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  } catch (cause) {
    throw new PkiError("PKI_PUBLIC_KEY_INVALID", "the public key cannot be read", { cause });
  }
  encodings.set(publicKey, der);
  return publicKey;
}

/** The DER SubjectPublicKeyInfo of a key; not to be written to. */
export function exportPublicKey(publicKey: KeyObject): Uint8Array {
  const known = encodings.get(publicKey);
  if (known !== undefined) return known;
  const der = exportEcPublicKey(publicKey) ?? publicKey.export({ type: "spki", format: "der" });
  encodings.set(publicKey, der);
  return der;
}

/** OpenSSL's encoder takes longer than the signature that a certificate needs, so what is known is kept. */
const encodings = new WeakMap<KeyObject, Uint8Array>();

const curves: ReadonlyMap<string, string> = new Map([
  ["P-256", "1.2.840.10045.3.1.7"],
  ["P-384", "1.3.132.0.34"],
]);

/** RFC 5480 §2: id-ecPublicKey with the named curve; the point is 04 and both coordinates (SEC 1 §2.3.3). */
function exportEcPublicKey(publicKey: KeyObject): Uint8Array | undefined {
  if (publicKey.asymmetricKeyType !== "ec") return undefined;
  const { crv = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  const curve = curves.get(crv);
  if (curve === undefined) return undefined;
  const point = Buffer.concat([
    Uint8Array.of(UNCOMPRESSED),
    Buffer.from(x, "base64url"),
    Buffer.from(y, "base64url"),
  ]);
  return encode(
    sequence(sequence(objectIdentifier(EC_PUBLIC_KEY), objectIdentifier(curve)), bitString(point)),
  );
}

/**
 * RFC 5280 §4.2.1.2 (1), with RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of subjectPublicKey.
 * It names a key and proves nothing.
 */
export function keyIdentifierOf(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const { subjectPublicKey } = decode(subjectPublicKeyInfo, "SubjectPublicKeyInfo", readSubjectPublicKeyInfo);
  return new Uint8Array(hash("sha256", subjectPublicKey, "buffer").subarray(0, 20));
}

/**
 * Refuses keys that no certificate is made for: RSA outside 2048 to 8192 bits or with a public exponent that is
 * even or below 65537, curves other than P-256, P-384 and P-521, and types that no profile knows.
 */
export function assertAcceptablePublicKey(publicKey: KeyObject): void {
  const { asymmetricKeyType: type = "unknown", asymmetricKeyDetails: details = {} } = publicKey;
  if (type === "rsa") {
    const bits = details.modulusLength ?? 0;
    const exponent = details.publicExponent ?? 0n;
    if (bits < 2048 || bits > 8192) throw weak(`an RSA key of ${bits} bits; use 2048 to 8192`);
    if (exponent < 65_537n || exponent % 2n === 0n) throw weak("an RSA public exponent below 65537 or even");
  } else if (type === "ec") {
    const curve = details.namedCurve ?? "unknown";
    if (!acceptableCurves.has(curve)) throw weak(`an EC key on ${curve}; use P-256 or P-384`);
  } else if (!acceptableTypes.has(type)) {
    throw weak(`a key of type ${type}; use p256`);
  }
}

const acceptableCurves: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);
const acceptableTypes: ReadonlySet<string> = new Set(["ed25519", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"]);

function weak(message: string): PkiError {
  return new PkiError("PKI_PUBLIC_KEY_WEAK", message);
}
