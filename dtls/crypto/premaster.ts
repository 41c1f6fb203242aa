import { putUint16 } from "../wire/bytes.ts";

/**
 * RFC 4279 §2: "if the PSK is N octets long, concatenate a uint16 with the value N, N zero octets, a second uint16 with
 * the value N, and the PSK itself."
 */
export function pskPremaster(psk: Uint8Array): Uint8Array {
  return ecdhePskPremaster(new Uint8Array(psk.length), psk);
}

/**
 * RFC 5489 §2: "concatenate a uint16 containing the length of Z (in octets), Z itself, a uint16 containing the length of
 * the PSK (in octets), and the PSK itself."
 */
export function ecdhePskPremaster(shared: Uint8Array, psk: Uint8Array): Uint8Array {
  const premaster = new Uint8Array(4 + shared.length + psk.length);
  putUint16(premaster, 0, fitting(shared.length));
  premaster.set(shared, 2);
  putUint16(premaster, 2 + shared.length, fitting(psk.length));
  premaster.set(psk, 4 + shared.length);
  return premaster;
}

function fitting(length: number): number {
  if (length > 2 ** 16 - 1) throw new RangeError(`a pre-shared key of ${length} bytes`);
  return length;
}
