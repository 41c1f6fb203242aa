import {
  type CipherCCMTypes,
  type CipherChaCha20Poly1305Types,
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  type KeyObject,
} from "node:crypto";

interface CommonAeadAlgorithm {
  /** The name in IANA's AEAD registry. */
  readonly name: string;
  readonly keyLength: number;
  /** RFC 5246 §6.2.3.3: fixed_iv_length, the part of the nonce that the key block gives. */
  readonly fixedIvLength: number;
  /** RFC 5246 §6.2.3.3: record_iv_length, the part of the nonce that each record carries. */
  readonly explicitNonceLength: 0 | 8;
  readonly tagLength: 8 | 16;
  /**
   * RFC 9147 §4.5.3: how many records of 2^14 bytes one key may protect. DTLS 1.2 has no such limit of its own, but
   * the ciphers are the same.
   */
  readonly sealLimit: number;
  /** RFC 9147 §4.5.3: how many records may fail authentication under one key. */
  readonly openFailureLimit: number;
}

interface GcmAlgorithm extends CommonAeadAlgorithm {
  readonly mode: "gcm";
  readonly cipher: CipherGCMTypes;
}

interface CcmAlgorithm extends CommonAeadAlgorithm {
  readonly mode: "ccm";
  readonly cipher: CipherCCMTypes;
}

interface ChaChaAlgorithm extends CommonAeadAlgorithm {
  readonly mode: "chacha20-poly1305";
  readonly cipher: CipherChaCha20Poly1305Types;
}

export type AeadAlgorithm = GcmAlgorithm | CcmAlgorithm | ChaChaAlgorithm;

/** RFC 5288 §3: 4 bytes of implicit salt, 8 bytes of explicit nonce. */
const gcm = {
  mode: "gcm",
  fixedIvLength: 4,
  explicitNonceLength: 8,
  tagLength: 16,
  sealLimit: 2 ** 24.5,
  openFailureLimit: 2 ** 36,
} as const;

/** RFC 6655 §3, RFC 7251 §2: the nonce as with GCM. */
const ccm = {
  mode: "ccm",
  fixedIvLength: 4,
  explicitNonceLength: 8,
  tagLength: 16,
  sealLimit: 2 ** 23,
  openFailureLimit: Math.floor(2 ** 23.5),
} as const;

/**
 * RFC 9147 appendix B.3: with a tag of 64 bits the usual margin against forgery would allow 2^7 failures, which
 * anybody could spend for us. 2^16 leaves a forger a chance of 2^-48 and costs whoever only wants to disturb 65,536
 * datagrams for one association.
 */
const ccm8 = { ...ccm, tagLength: 8, openFailureLimit: 2 ** 16 } as const;

export const aeadAlgorithms = {
  AES_128_GCM: { ...gcm, name: "AEAD_AES_128_GCM", cipher: "aes-128-gcm", keyLength: 16 },
  AES_256_GCM: { ...gcm, name: "AEAD_AES_256_GCM", cipher: "aes-256-gcm", keyLength: 32 },
  AES_128_CCM: { ...ccm, name: "AEAD_AES_128_CCM", cipher: "aes-128-ccm", keyLength: 16 },
  AES_256_CCM: { ...ccm, name: "AEAD_AES_256_CCM", cipher: "aes-256-ccm", keyLength: 32 },
  AES_128_CCM_8: { ...ccm8, name: "AEAD_AES_128_CCM_8", cipher: "aes-128-ccm", keyLength: 16 },
  AES_256_CCM_8: { ...ccm8, name: "AEAD_AES_256_CCM_8", cipher: "aes-256-ccm", keyLength: 32 },
  /** RFC 7905 §2: the whole nonce is made, nothing of it is sent. No limit on records short of 2^48. */
  CHACHA20_POLY1305: {
    mode: "chacha20-poly1305",
    name: "AEAD_CHACHA20_POLY1305",
    cipher: "chacha20-poly1305",
    keyLength: 32,
    fixedIvLength: 12,
    explicitNonceLength: 0,
    tagLength: 16,
    sealLimit: Number.POSITIVE_INFINITY,
    openFailureLimit: 2 ** 36,
  },
} as const satisfies Record<string, AeadAlgorithm>;

/**
 * Encrypts `plaintext` and puts the ciphertext and then the tag into `output` from `offset` on. `plaintext` may lie at
 * that very place.
 */
export function encryptInto(
  aead: AeadAlgorithm,
  key: KeyObject,
  nonce: Uint8Array,
  additionalData: Uint8Array,
  plaintext: Uint8Array,
  output: Uint8Array,
  offset: number,
): void {
  if (aead.mode === "ccm") {
    const cipher = createCipheriv(aead.cipher, key, nonce, tagOptions[aead.tagLength]);
    cipher.setAAD(additionalData, ccmLength(plaintext.length));
    finish(cipher, plaintext, output, offset);
  } else if (aead.mode === "gcm") {
    const cipher = createCipheriv(aead.cipher, key, nonce, tagOptions[16]);
    cipher.setAAD(additionalData);
    finish(cipher, plaintext, output, offset);
  } else {
    const cipher = createCipheriv(aead.cipher, key, nonce, tagOptions[16]);
    cipher.setAAD(additionalData);
    finish(cipher, plaintext, output, offset);
  }
}

/** The plaintext in memory of its own, or undefined when the tag does not fit. */
export function decrypt(
  aead: AeadAlgorithm,
  key: KeyObject,
  nonce: Uint8Array,
  additionalData: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
): Uint8Array | undefined {
  try {
    if (aead.mode === "ccm") {
      const decipher = createDecipheriv(aead.cipher, key, nonce, tagOptions[aead.tagLength]);
      decipher.setAuthTag(tag);
      decipher.setAAD(additionalData, ccmLength(ciphertext.length));
      return verified(decipher, ciphertext);
    }
    if (aead.mode === "gcm") {
      const decipher = createDecipheriv(aead.cipher, key, nonce, tagOptions[16]);
      decipher.setAuthTag(tag);
      decipher.setAAD(additionalData);
      return verified(decipher, ciphertext);
    }
    const decipher = createDecipheriv(aead.cipher, key, nonce, tagOptions[16]);
    decipher.setAuthTag(tag);
    decipher.setAAD(additionalData);
    return verified(decipher, ciphertext);
  } catch {
    // The only thing that can fail here is the tag; whatever else did, nothing unauthenticated goes out.
    return undefined;
  }
}

/** Options are objects; one record each would be garbage. */
const tagOptions = { 8: { authTagLength: 8 }, 16: { authTagLength: 16 } } as const;
const ccmOptions = { plaintextLength: 0 };

function ccmLength(plaintextLength: number): { plaintextLength: number } {
  ccmOptions.plaintextLength = plaintextLength;
  return ccmOptions;
}

interface AuthenticatedCipher {
  update(data: Uint8Array): Uint8Array;
  final(): Uint8Array;
  getAuthTag(): Uint8Array;
}

/** These ciphers are streams: `update` gives as many bytes as it takes, `final` gives none. */
function finish(
  cipher: AuthenticatedCipher,
  plaintext: Uint8Array,
  output: Uint8Array,
  offset: number,
): void {
  output.set(cipher.update(plaintext), offset);
  cipher.final();
  output.set(cipher.getAuthTag(), offset + plaintext.length);
}

function verified(decipher: Omit<AuthenticatedCipher, "getAuthTag">, ciphertext: Uint8Array): Uint8Array {
  const plaintext = decipher.update(ciphertext);
  // Throws when the tag does not fit.
  decipher.final();
  return plaintext;
}
