import { randomFillSync } from "node:crypto";

/** One call for 32 bytes costs as much as one for a thousand, and a handshake wants five times some. */
const pool = new Uint8Array(1024);
const longestFromPool = 64;
let used = pool.length;

/** So many bytes of the system's generator, in memory of their own. None of them stays here. */
export function randomBytes(length: number): Uint8Array {
  if (length > longestFromPool) return randomFillSync(new Uint8Array(length));
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
