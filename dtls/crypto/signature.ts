import { constants, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { DtlsError } from "../errors.ts";
import type { Signer } from "../signer.ts";
import { SignatureScheme } from "../wire/registry.ts";

/**
 * The least that an RSA key may have (RFC 9325 §4.4), and the most that is worked on: a large modulus or exponent makes
 * a verification as dear as the peer likes.
 */
const rsaModulusBits = { min: 2048, max: 8192 } as const;
const rsaMaxExponent = 2 ** 31 - 1;

/**
 * The schemes that a key can sign with, best first; none for a key that is not to be used at all.
 *
 * RFC 8446 §4.2.3: in (D)TLS 1.2 the ECDSA schemes name the hash alone: "implementations MUST be prepared to accept a
 * signature that uses any curve that they advertised". So a P-256 key fits both, and its own one comes first.
 */
export function schemesForKey(publicKey: KeyObject): readonly SignatureScheme[] {
  const kind = kindOf(publicKey);
  return kind === undefined ? [] : schemesByKind[kind];
}

/**
 * What a signer makes. One that says nothing is asked for the one scheme that follows from its key, without RSA-PSS: it
 * may look at nothing but the key when it signs.
 */
export function schemesOfSigner({ schemes, publicKey }: Signer): readonly SignatureScheme[] {
  if (schemes !== undefined) return schemes;
  const own = schemesForKey(publicKey).find((scheme) => parameters[scheme].saltLength === undefined);
  return own === undefined ? [] : [own];
}

/**
 * Whether `signature` is over `bytes`, by this key, in this scheme. A scheme that is unknown or not one of the key's is
 * a signature that does not verify. That the scheme was offered to the peer is the caller's to check (A2).
 */
export function verifySignature(
  scheme: number,
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const known = schemesForKey(publicKey).find((candidate) => candidate === scheme);
  if (known === undefined) return false;
  const { digest, saltLength } = parameters[known];
  try {
    if (publicKey.asymmetricKeyType !== "rsa") return verify(digest, bytes, publicKey, signature);
    return verify(digest, bytes, rsaKey(publicKey, saltLength), signature);
  } catch {
    // Thrown for signatures that are not even well formed.
    return false;
  }
}

/** A private key in this process's memory. */
export class KeySigner implements Signer {
  readonly publicKey: KeyObject;
  readonly schemes: readonly SignatureScheme[];
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    if (privateKey.type !== "private") {
      throw new DtlsError(
        "DTLS_OPTIONS_INVALID",
        `a private key is needed, this is a ${privateKey.type} one`,
      );
    }
    this.publicKey = createPublicKey(privateKey);
    this.schemes = schemesForKey(this.publicKey);
    this.#privateKey = privateKey;
    if (this.schemes.length === 0) {
      throw new DtlsError(
        "DTLS_OPTIONS_INVALID",
        "a private key must be of P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits",
      );
    }
  }

  sign(bytes: Uint8Array, scheme: SignatureScheme): Uint8Array {
    if (!this.schemes.includes(scheme)) {
      throw new RangeError(`a key of ${this.publicKey.asymmetricKeyType} cannot sign in scheme ${scheme}`);
    }
    const { digest, saltLength } = parameters[scheme];
    if (this.publicKey.asymmetricKeyType !== "rsa") return sign(digest, bytes, this.#privateKey);
    return sign(digest, bytes, rsaKey(this.#privateKey, saltLength));
  }
}

const schemesByKind = {
  secp256r1: [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.ecdsa_secp384r1_sha384],
  secp384r1: [SignatureScheme.ecdsa_secp384r1_sha384, SignatureScheme.ecdsa_secp256r1_sha256],
  ed25519: [SignatureScheme.ed25519],
  rsa: [
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
    SignatureScheme.rsa_pkcs1_sha256,
    SignatureScheme.rsa_pkcs1_sha384,
    SignatureScheme.rsa_pkcs1_sha512,
  ],
} as const satisfies Record<string, readonly SignatureScheme[]>;

/** `saltLength` for RSASSA-PSS alone. RFC 8446 §4.2.3: as long as the digest, which is also MGF1's. */
const parameters: Readonly<
  Record<SignatureScheme, { readonly digest: string | null; readonly saltLength?: number }>
> = {
  [SignatureScheme.ecdsa_secp256r1_sha256]: { digest: "sha256" },
  [SignatureScheme.ecdsa_secp384r1_sha384]: { digest: "sha384" },
  [SignatureScheme.ed25519]: { digest: null },
  [SignatureScheme.rsa_pss_rsae_sha256]: { digest: "sha256", saltLength: 32 },
  [SignatureScheme.rsa_pss_rsae_sha384]: { digest: "sha384", saltLength: 48 },
  [SignatureScheme.rsa_pss_rsae_sha512]: { digest: "sha512", saltLength: 64 },
  [SignatureScheme.rsa_pkcs1_sha256]: { digest: "sha256" },
  [SignatureScheme.rsa_pkcs1_sha384]: { digest: "sha384" },
  [SignatureScheme.rsa_pkcs1_sha512]: { digest: "sha512" },
};

function rsaKey(key: KeyObject, saltLength: number | undefined) {
  return saltLength === undefined
    ? { key, padding: constants.RSA_PKCS1_PADDING }
    : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

function kindOf(publicKey: KeyObject): keyof typeof schemesByKind | undefined {
  const type = publicKey.asymmetricKeyType;
  if (type === "ed25519") return type;
  const details = publicKey.asymmetricKeyDetails;
  if (type === "ec") {
    if (details?.namedCurve === "prime256v1") return "secp256r1";
    return details?.namedCurve === "secp384r1" ? "secp384r1" : undefined;
  }
  if (type !== "rsa") return undefined;
  const { modulusLength = 0, publicExponent = 0n } = details ?? {};
  if (modulusLength < rsaModulusBits.min || modulusLength > rsaModulusBits.max) return undefined;
  return publicExponent <= rsaMaxExponent ? "rsa" : undefined;
}
