import { createHmac, timingSafeEqual } from "node:crypto";

/** Long enough not to be met by chance; what could be tried out with it can be tried out on a handshake as well. */
const tagLength = 16;

/**
 * What remembers a pre-shared key without being it. A session that is resumed proves a key of the past: it is worth
 * something only while the identity still has that one.
 */
export function pskTagOf(key: Uint8Array): Uint8Array {
  return Uint8Array.from(
    createHmac("sha256", key).update("sallyport psk tag").digest().subarray(0, tagLength),
  );
}

export function isTagOf(tag: Uint8Array, key: Uint8Array): boolean {
  return tag.length === tagLength && timingSafeEqual(tag, pskTagOf(key));
}
