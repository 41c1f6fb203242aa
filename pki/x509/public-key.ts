import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { Tag } from "../der/tag.ts";
import { PkiError } from "../errors.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithms.ts";

const EC_PUBLIC_KEY = "1.2.840.10045.2.1";

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
  decode(subjectPublicKeyInfo, "SubjectPublicKeyInfo", readSubjectPublicKeyInfo);
  try {
    return createPublicKey({ key: Buffer.from(subjectPublicKeyInfo), format: "der", type: "spki" });
  } catch (cause) {
    throw new PkiError("PKI_PUBLIC_KEY_INVALID", "the public key cannot be read", { cause });
  }
}

export function exportPublicKey(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: "spki", format: "der" });
}

/**
 * RFC 5280 §4.2.1.2 (1), with RFC 7093 §2 (1): the leftmost 160 bits of the SHA-256 of subjectPublicKey.
 * It names a key and proves nothing.
 */
export function keyIdentifierOf(subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const { subjectPublicKey } = decode(subjectPublicKeyInfo, "SubjectPublicKeyInfo", readSubjectPublicKeyInfo);
  return hash("sha256", subjectPublicKey, "buffer").subarray(0, 20);
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
