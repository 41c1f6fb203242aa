import { constants, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { publicKeyOfCertificate } from "../../dtls/crypto/public-key.ts";
import { SignatureScheme, type TlsVersion } from "./numbers.ts";

/** RFC 8446 §4.2.3, and the old ones of RFC 5246 §7.4.1.4.1 that no peer should take. */
export const TlsSignatureScheme = {
  ...SignatureScheme,
  rsa_pkcs1_md5: 0x0101,
  rsa_pkcs1_sha1: 0x0201,
  ecdsa_sha1: 0x0203,
  ecdsa_secp521r1_sha512: 0x0603,
  rsa_pss_pss_sha256: 0x0809,
} as const;

type Padding = "pkcs1" | "pss";
interface SchemeParameters {
  readonly key: "ec" | "rsa" | "ed25519";
  readonly digest: string | null;
  readonly padding?: Padding;
  /** RFC 8446 §4.2.3: the curve that goes with the hash in TLS 1.3. */
  readonly curve?: string;
}

const schemes: ReadonlyMap<number, SchemeParameters> = new Map<number, SchemeParameters>([
  [0x0403, { key: "ec", digest: "sha256", curve: "prime256v1" }],
  [0x0503, { key: "ec", digest: "sha384", curve: "secp384r1" }],
  [0x0603, { key: "ec", digest: "sha512", curve: "secp521r1" }],
  [0x0203, { key: "ec", digest: "sha1" }],
  [0x0807, { key: "ed25519", digest: null }],
  [0x0804, { key: "rsa", digest: "sha256", padding: "pss" }],
  [0x0805, { key: "rsa", digest: "sha384", padding: "pss" }],
  [0x0806, { key: "rsa", digest: "sha512", padding: "pss" }],
  [0x0809, { key: "rsa", digest: "sha256", padding: "pss" }],
  [0x0401, { key: "rsa", digest: "sha256", padding: "pkcs1" }],
  [0x0501, { key: "rsa", digest: "sha384", padding: "pkcs1" }],
  [0x0601, { key: "rsa", digest: "sha512", padding: "pkcs1" }],
  [0x0201, { key: "rsa", digest: "sha1", padding: "pkcs1" }],
  [0x0101, { key: "rsa", digest: "md5", padding: "pkcs1" }],
]);

/** What may be wrong about a CertificateVerify or a ServerKeyExchange. */
export interface ProofOptions {
  /** Signs in place of the credential's key. */
  readonly key?: KeyObject;
  /** Whether it was offered or not. */
  readonly scheme?: number;
  /** TLS 1.2: what is signed in place of the own transcript, or of the randoms and parameters. */
  readonly transcript?: Uint8Array;
  /** TLS 1.3: what is signed in place of the hash of the own transcript. */
  readonly transcriptHash?: Uint8Array;
  /** TLS 1.3: whose context string it is; default the own. */
  readonly context?: "client" | "server";
}

/** What an end offers if it is not told otherwise: all that RFC 9325 lets one use. */
export const defaultSignatureSchemes: readonly number[] = [
  TlsSignatureScheme.ecdsa_secp256r1_sha256,
  TlsSignatureScheme.ecdsa_secp384r1_sha384,
  TlsSignatureScheme.ed25519,
  TlsSignatureScheme.rsa_pss_rsae_sha256,
  TlsSignatureScheme.rsa_pss_rsae_sha384,
  TlsSignatureScheme.rsa_pss_rsae_sha512,
  TlsSignatureScheme.rsa_pkcs1_sha256,
  TlsSignatureScheme.rsa_pkcs1_sha384,
  TlsSignatureScheme.rsa_pkcs1_sha512,
];

/**
 * Whether a scheme may sign in a version at all. RFC 8446 §4.2.3: in TLS 1.3 the RSASSA-PKCS1-v1_5 ones "refer solely to
 * signatures which appear in certificates"; RFC 9155 §2 and §3: SHA-1 and MD5 in no version.
 */
export function schemeAllowed(version: TlsVersion, scheme: number): boolean {
  const known = schemes.get(scheme);
  if (known === undefined || known.digest === "sha1" || known.digest === "md5") return false;
  return version === "TLS 1.2" || known.padding !== "pkcs1";
}

/**
 * Whether the scheme is one for this key. RFC 8446 §4.2.3: in TLS 1.3 the curve belongs to the scheme; in TLS 1.2 any
 * curve goes with any hash.
 */
export function schemeFitsKey(version: TlsVersion, scheme: number, key: KeyObject): boolean {
  const known = schemes.get(scheme);
  if (known === undefined || known.key !== key.asymmetricKeyType) return false;
  if (version === "TLS 1.2" || known.key !== "ec") return true;
  return known.curve === key.asymmetricKeyDetails?.namedCurve;
}

/**
 * The scheme to sign with: the first of the key's own that the peer offered, or else the key's best, so that a key that
 * nobody would take can still be shown.
 */
export function chooseScheme(version: TlsVersion, key: KeyObject, offered: readonly number[]): number {
  const own = [...schemes.keys()].filter((scheme) => schemeFitsKey(version, scheme, key));
  const allowed = own.filter((scheme) => schemeAllowed(version, scheme));
  // RFC 8446 §4.2.3: the curve's own hash first, in TLS 1.2 too.
  const curve = key.asymmetricKeyDetails?.namedCurve;
  allowed.sort((a, b) => Number(schemes.get(b)?.curve === curve) - Number(schemes.get(a)?.curve === curve));
  const [best] = allowed;
  const fallback =
    key.asymmetricKeyType === "rsa"
      ? TlsSignatureScheme.rsa_pss_rsae_sha256
      : TlsSignatureScheme.ecdsa_secp256r1_sha256;
  return allowed.find((scheme) => offered.includes(scheme)) ?? best ?? own[0] ?? fallback;
}

/** @throws Error where the key cannot make a signature of this scheme at all */
export function signWith(scheme: number, key: KeyObject, content: Uint8Array): Uint8Array {
  const known = schemes.get(scheme);
  if (known === undefined) throw new RangeError(`signature scheme 0x${scheme.toString(16)} is not known`);
  if (key.asymmetricKeyType === "ed25519") return sign(null, content, key);
  return sign(known.digest, content, withPadding(key, known.padding));
}

/** False too for a scheme that is not known or not one for this key, and for what is no signature. */
export function verifyWith(
  scheme: number,
  key: KeyObject,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  const known = schemes.get(scheme);
  if (known === undefined || known.key !== key.asymmetricKeyType) return false;
  try {
    return verify(known.digest, content, withPadding(key, known.padding), signature);
  } catch {
    return false;
  }
}

function withPadding(key: KeyObject, padding: Padding | undefined) {
  if (padding === undefined) return key;
  return padding === "pss"
    ? {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { key, padding: constants.RSA_PKCS1_PADDING };
}

/**
 * The key of a certificate, weak or odd as it may be: whether it is acceptable is for `verifyPeer` to say. Undefined
 * where no key can be read.
 */
export function publicKeyOf(certificate: Uint8Array | undefined): KeyObject | undefined {
  if (certificate === undefined) return undefined;
  try {
    return publicKeyOfCertificate(certificate);
  } catch {
    // A key that our own product would not take, or a certificate that is not quite DER.
  }
  try {
    // DER and nothing else: PEM within it would be another certificate.
    if (Buffer.from(certificate).includes("-----BEGIN")) return undefined;
    return new X509Certificate(certificate).publicKey;
  } catch {
    return undefined;
  }
}

/** RFC 8446 §4.4.3: 64 spaces, the context string, a zero byte, and the hash of the transcript. */
export function signedContent13(signer: "client" | "server", transcriptHash: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.alloc(64, 0x20),
    Buffer.from(`TLS 1.3, ${signer} CertificateVerify`),
    Uint8Array.of(0),
    transcriptHash,
  ]);
}
