import { constants, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { SignatureScheme } from "../../dtls/wire/registry.ts";

/** How a scheme signs; RSASSA-PSS with a salt as long as the digest (RFC 8446 §4.2.3). */
interface SchemeParameters {
  readonly keyType: "ec" | "ed25519" | "rsa";
  readonly digest: string | undefined;
  readonly pss?: boolean;
}

const parameters: ReadonlyMap<number, SchemeParameters> = new Map([
  [SignatureScheme.ecdsa_secp256r1_sha256, { keyType: "ec", digest: "sha256" }],
  [SignatureScheme.ecdsa_secp384r1_sha384, { keyType: "ec", digest: "sha384" }],
  [SignatureScheme.ed25519, { keyType: "ed25519", digest: undefined }],
  [SignatureScheme.rsa_pss_rsae_sha256, { keyType: "rsa", digest: "sha256", pss: true }],
  [SignatureScheme.rsa_pss_rsae_sha384, { keyType: "rsa", digest: "sha384", pss: true }],
  [SignatureScheme.rsa_pss_rsae_sha512, { keyType: "rsa", digest: "sha512", pss: true }],
  [SignatureScheme.rsa_pkcs1_sha256, { keyType: "rsa", digest: "sha256" }],
  [SignatureScheme.rsa_pkcs1_sha384, { keyType: "rsa", digest: "sha384" }],
  [SignatureScheme.rsa_pkcs1_sha512, { keyType: "rsa", digest: "sha512" }],
  // RFC 5246 §7.4.1.4.1: SHA-1 and MD5 of old; RFC 9155 forbids them, so that only an attacker signs with them.
  [0x0203, { keyType: "ec", digest: "sha1" }],
  [0x0201, { keyType: "rsa", digest: "sha1" }],
  [0x0101, { keyType: "rsa", digest: "md5" }],
]);

/** All that an honest end offers. */
export const defaultSchemes: readonly number[] = Object.values(SignatureScheme);

/** The first scheme that the peer takes and the key can sign with; failing that, one that the key can. */
export function schemeFor(key: KeyObject, offered: readonly number[]): number {
  const fits = (scheme: number): boolean => parameters.get(scheme)?.keyType === keyTypeOf(key);
  const own = key.asymmetricKeyDetails?.namedCurve === "secp384r1" ? 0x0503 : 0x0403;
  const preferred = offered.find((scheme) => scheme === own && fits(scheme));
  return preferred ?? offered.find(fits) ?? [...parameters.keys()].find(fits) ?? own;
}

/** @throws RangeError for a scheme that this lab does not know, or that the key cannot make */
export function signWith(key: KeyObject, scheme: number, bytes: Uint8Array): Uint8Array {
  const known = parameters.get(scheme);
  if (known === undefined) throw new RangeError(`signature scheme ${scheme} is not known`);
  return sign(known.digest, bytes, paddedKey(key, known));
}

/** Whether the signature verifies. Says nothing of whether the scheme was offered. */
export function verifies(key: KeyObject, scheme: number, bytes: Uint8Array, signature: Uint8Array): boolean {
  const known = parameters.get(scheme);
  if (known === undefined || known.keyType !== keyTypeOf(key)) return false;
  try {
    return verify(known.digest, bytes, paddedKey(key, known), signature);
  } catch {
    // Thrown for what is not even well formed.
    return false;
  }
}

/** The key of a certificate, whether that is to be believed or not; undefined where it cannot be read. */
export function keyOfCertificate(der: Uint8Array): KeyObject | undefined {
  try {
    return new X509Certificate(der).publicKey;
  } catch {
    return undefined;
  }
}

/** ECDHE_RSA or ECDHE_ECDSA: what a key authenticates (RFC 8422 §2). */
export function authenticates(key: KeyObject): "ECDHE_RSA" | "ECDHE_ECDSA" {
  return keyTypeOf(key) === "rsa" ? "ECDHE_RSA" : "ECDHE_ECDSA";
}

function keyTypeOf(key: KeyObject): string | undefined {
  return key.asymmetricKeyType;
}

function paddedKey(key: KeyObject, { keyType, pss }: SchemeParameters) {
  if (keyType !== "rsa") return { key };
  if (pss !== true) return { key, padding: constants.RSA_PKCS1_PADDING };
  return {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  };
}
