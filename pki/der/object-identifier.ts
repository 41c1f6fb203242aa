import { PkiError } from "../errors.ts";

const encoded = new Map<string, Uint8Array>();
const decoded = new Map<string, string>();
const MAX_CACHED = 512;
const MAX_OCTETS = 64;

/** The content octets of an OBJECT IDENTIFIER (X.690 §8.19). Throws RangeError for text that is none. */
export function encodeObjectIdentifier(oid: string): Uint8Array {
  const known = encoded.get(oid);
  if (known !== undefined) return known;
  if (!/^[0-2](\.(0|[1-9]\d{0,38}))+$/.test(oid)) throw new RangeError(`not an object identifier: ${oid}`);
  const [first = 0n, second = 0n, ...rest] = oid.split(".").map(BigInt);
  if (first < 2n && second > 39n) throw new RangeError(`not an object identifier: ${oid}`);
  const bytes = Uint8Array.from([first * 40n + second, ...rest].flatMap(base128));
  if (encoded.size < MAX_CACHED) encoded.set(oid, bytes);
  return bytes;
}

/** Dotted text from content octets. X.690 §8.19.2: each subidentifier in the fewest octets. */
export function decodeObjectIdentifier(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OCTETS) {
    throw new PkiError("PKI_DER_VALUE", `an object identifier of ${content.length} octets`);
  }
  let key = "";
  for (const octet of content) key += String.fromCharCode(octet);
  const known = decoded.get(key);
  if (known !== undefined) return known;
  const arcs: bigint[] = [];
  let value = 0n;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80)
      throw new PkiError("PKI_DER_VALUE", "an object identifier arc is not minimal");
    value = (value << 7n) | BigInt(octet & 0x7f);
    fresh = octet < 0x80;
    if (fresh) {
      arcs.push(value);
      value = 0n;
    }
  }
  if (!fresh) throw new PkiError("PKI_DER_VALUE", "an object identifier ends inside an arc");
  const [head = 0n, ...rest] = arcs;
  const first = head < 40n ? 0n : head < 80n ? 1n : 2n;
  const text = [first, head - first * 40n, ...rest].join(".");
  // Bounded: a peer chooses which identifiers come, so the cache stops growing rather than evict.
  if (decoded.size < MAX_CACHED) decoded.set(key, text);
  return text;
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}
