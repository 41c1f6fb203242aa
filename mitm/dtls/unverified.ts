import { createDecipheriv } from "node:crypto";
import type { AeadAlgorithm } from "../../dtls/crypto/aead.ts";
import type { TrafficKey } from "../../dtls/crypto/prf.ts";
import type { Opened } from "../../dtls/record/protection.ts";
import { putUint16, putUint48 } from "../../dtls/wire/bytes.ts";
import type { RawRecord } from "../../dtls/wire/record.ts";
import { ContentType } from "../../dtls/wire/registry.ts";

/** What a record decrypts to, for a weak twin that does not look at the tag. */
export function openUnverified(
  record: RawRecord,
  aead: AeadAlgorithm,
  { key, iv }: TrafficKey,
): Opened | string {
  const { fragment } = record;
  const end = fragment.length - aead.tagLength;
  if (end < aead.explicitNonceLength) return "malformed_record";
  const ciphertext = fragment.subarray(aead.explicitNonceLength, end);
  const inner = keyStreamCipher(aead, key, nonceOf(record, aead, iv)).update(ciphertext);
  if (record.type !== ContentType.tls12_cid) return { type: record.type, plaintext: inner, isNewest: true };
  // RFC 9146 §4: the type stands behind the content, before the padding.
  const typeAt = inner.findLastIndex((byte) => byte !== 0);
  return { type: inner[typeAt] ?? 0, plaintext: inner.subarray(0, Math.max(0, typeAt)), isNewest: true };
}

/** RFC 5288 §3, RFC 6655 §3, RFC 7905 §2. */
function nonceOf({ epoch, sequence, fragment }: RawRecord, aead: AeadAlgorithm, iv: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12);
  if (aead.explicitNonceLength === 8) {
    nonce.set(iv);
    nonce.set(fragment.subarray(0, 8), 4);
    return nonce;
  }
  putUint16(nonce, 4, epoch);
  putUint48(nonce, 6, sequence);
  return nonce.map((byte, index) => byte ^ (iv[index] ?? 0));
}

/** The cipher below the AEAD, at the counter where the content begins. */
function keyStreamCipher(aead: AeadAlgorithm, key: Uint8Array, nonce: Uint8Array) {
  if (aead.mode === "chacha20-poly1305") {
    // RFC 8439 §2.8: block 0 makes the key of the tag; node's IV begins with the counter, little-endian.
    return createDecipheriv("chacha20", key, Buffer.concat([Uint8Array.of(1, 0, 0, 0), nonce]));
  }
  const cipher = aead.keyLength === 16 ? "aes-128-ctr" : "aes-256-ctr";
  // NIST SP 800-38D §7.1: counter 1 masks the tag. RFC 3610 §2.3 with L = 3: flags, nonce, and counter 0 masks it.
  const block =
    aead.mode === "gcm"
      ? Buffer.concat([nonce, Uint8Array.of(0, 0, 0, 2)])
      : Buffer.concat([Uint8Array.of(2), nonce, Uint8Array.of(0, 0, 1)]);
  return createDecipheriv(cipher, key, block);
}
