import { hash } from "node:crypto";
import { DtlsError } from "../errors.ts";
import { putUint16 } from "../wire/bytes.ts";
import type { PrfHash, Suite } from "./suites.ts";

/** What protects one direction: the key and the fixed part of the nonce. */
export interface TrafficKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** What an exporter works on. */
export interface ExporterSecrets {
  readonly hash: PrfHash;
  readonly master: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
}

/**
 * RFC 5246 §5
 *     P_hash(secret, seed) = HMAC_hash(secret, A(1) + seed) +
 *                            HMAC_hash(secret, A(2) + seed) +
 *                            HMAC_hash(secret, A(3) + seed) + ...
 *     A(0) = seed
 *     A(i) = HMAC_hash(secret, A(i-1))
 *
 *     PRF(secret, label, seed) = P_<hash>(secret, label + seed)
 *
 * An HMAC here is two calls of the one-shot hash: the least that node:crypto can do it for, on every version.
 */
export function prf(
  hashName: PrfHash,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Uint8Array {
  const { blockLength, hashLength } = hashes[hashName];
  const labelLength = label.length;
  const seedLength = labelLength + seed.length;
  // inner: key^ipad | A(i) | label | seed. Both inputs of a round, A(i) and A(i) + seed, begin at the same place.
  const seedAt = blockLength + hashLength;
  const inner =
    seedAt + seedLength <= innerScratch.length ? innerScratch : Buffer.allocUnsafe(seedAt + seedLength);
  const outer = outerScratch;
  padKey(hashName, secret, inner, outer, blockLength);
  const outerInput = outer.subarray(0, blockLength + hashLength);

  // A(1) is over the seed, which for a moment stands where A(i) will be.
  writeSeed(inner, blockLength, label, seed);
  hashInto(hashName, inner.subarray(0, blockLength + seedLength), outer, blockLength);
  hashInto(hashName, outerInput, inner, blockLength);
  writeSeed(inner, seedAt, label, seed);

  const chainInput = inner.subarray(0, seedAt);
  const blockInput = inner.subarray(0, seedAt + seedLength);
  // Whole blocks are written; the last one may be longer than what is wanted.
  const output = Buffer.allocUnsafe(Math.ceil(length / hashLength) * hashLength);
  for (let at = 0; ; ) {
    hashInto(hashName, blockInput, outer, blockLength);
    hashInto(hashName, outerInput, output, at);
    at += hashLength;
    if (at >= length) break;
    hashInto(hashName, chainInput, outer, blockLength);
    hashInto(hashName, outerInput, inner, blockLength);
  }
  const result = new Uint8Array(length);
  result.set(output.subarray(0, length));
  output.fill(0);
  inner.fill(0);
  outer.fill(0);
  return result;
}

function writeSeed(target: Uint8Array, at: number, label: string, seed: Uint8Array): void {
  for (let index = 0; index < label.length; index++) target[at + index] = label.charCodeAt(index);
  target.set(seed, at + label.length);
}

/** By way of a string: a buffer for each hash costs twice as much as the hash. */
function hashInto(hashName: PrfHash, input: Uint8Array, target: Buffer, at: number): void {
  target.write(hash(hashName, input, "latin1"), at, "latin1");
}

/** RFC 5246 §8.1 */
export function masterSecret(
  hashName: PrfHash,
  premaster: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Uint8Array {
  return prf(hashName, premaster, "master secret", joined(clientRandom, serverRandom), masterSecretLength);
}

/** RFC 7627 §4: over the hash of the handshake up to and including ClientKeyExchange, not over the two randoms. */
export function extendedMasterSecret(
  hashName: PrfHash,
  premaster: Uint8Array,
  sessionHash: Uint8Array,
): Uint8Array {
  return prf(hashName, premaster, "extended master secret", sessionHash, masterSecretLength);
}

/**
 * RFC 5246 §6.3: the server's random comes first here. An AEAD has no MAC keys, so the block is
 * client_write_key | server_write_key | client_write_IV | server_write_IV.
 */
export function keyBlock(
  suite: Suite,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): { readonly client: TrafficKey; readonly server: TrafficKey } {
  const { keyLength, fixedIvLength } = suite.aead;
  const ivsAt = 2 * keyLength;
  const seed = joined(serverRandom, clientRandom);
  const block = prf(suite.prfHash, master, "key expansion", seed, ivsAt + 2 * fixedIvLength);
  return {
    client: { key: block.subarray(0, keyLength), iv: block.subarray(ivsAt, ivsAt + fixedIvLength) },
    server: { key: block.subarray(keyLength, ivsAt), iv: block.subarray(ivsAt + fixedIvLength) },
  };
}

/** RFC 5246 §7.4.9: what Finished carries. */
export function verifyData(
  hashName: PrfHash,
  master: Uint8Array,
  sender: "client" | "server",
  transcriptHash: Uint8Array,
): Uint8Array {
  const label = sender === "client" ? "client finished" : "server finished";
  return prf(hashName, master, label, transcriptHash, verifyDataLength);
}

/** RFC 5705 §4. An empty context is not the same as none. */
export function exportKeyingMaterial(
  secrets: ExporterSecrets,
  label: string,
  length: number,
  context?: Uint8Array,
): Uint8Array {
  // RFC 5705 §4: an exporter must not give out what the protocol itself derives from the master secret.
  if (reservedLabels.has(label)) throw refused(`the label "${label}" belongs to the protocol`);
  if (!/^[\x20-\x7e]{1,255}$/.test(label)) throw refused("a label is 1 to 255 printable ASCII characters");
  if (!Number.isInteger(length) || length < 1 || length > maxExportLength) {
    throw refused(`${length} bytes of keying material; 1 to ${maxExportLength} can be had`);
  }
  const randoms = joined(secrets.clientRandom, secrets.serverRandom);
  if (context === undefined) return prf(secrets.hash, secrets.master, label, randoms, length);
  // RFC 5705 §4: context_value_length is a uint16.
  if (context.length > 2 ** 16 - 1) throw refused(`a context of ${context.length} bytes; at most 65535`);
  const seed = new Uint8Array(randoms.length + 2 + context.length);
  seed.set(randoms);
  putUint16(seed, randoms.length, context.length);
  seed.set(context, randoms.length + 2);
  return prf(secrets.hash, secrets.master, label, seed, length);
}

const masterSecretLength = 48;
const verifyDataLength = 12;
const maxExportLength = 2 ** 14;

/** RFC 5705 §4 and the label of RFC 7627 §4. */
const reservedLabels: ReadonlySet<string> = new Set([
  "client finished",
  "server finished",
  "master secret",
  "extended master secret",
  "key expansion",
]);

const hashes = {
  sha256: { blockLength: 64, hashLength: 32 },
  sha384: { blockLength: 128, hashLength: 48 },
} as const satisfies Record<PrfHash, { blockLength: number; hashLength: number }>;

/** Shared by all associations: a derivation is one synchronous call, and wipes them when it is done. */
const innerScratch = Buffer.alloc(128 + 48 + 256);
const outerScratch = Buffer.alloc(128 + 48);

/** RFC 2104 §2: the key, hashed if it is longer than a block, XOR 0x36 and 0x5c. */
function padKey(
  hashName: PrfHash,
  secret: Uint8Array,
  inner: Uint8Array,
  outer: Uint8Array,
  blockLength: number,
): void {
  const key = secret.length > blockLength ? hash(hashName, secret, "buffer") : secret;
  inner.fill(0x36, 0, blockLength);
  outer.fill(0x5c, 0, blockLength);
  for (let index = 0; index < key.length; index++) {
    const byte = key[index] ?? 0;
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function refused(message: string): DtlsError {
  return new DtlsError("DTLS_OPTIONS_INVALID", message);
}
