/** Not in constant time: for what is public. Secrets are compared with `timingSafeEqual`. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
