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
    seedAt + seedLength <= innerScratch.length ? innerScratch : new Uint8Array(seedAt + seedLength);
  const outer = outerScratch;
  padKey(hashName, secret, inner, outer, blockLength);
  for (let index = 0; index < labelLength; index++) inner[seedAt + index] = label.charCodeAt(index);
  inner.set(seed, seedAt + labelLength);

  const outerInput = outer.subarray(0, blockLength + hashLength);
  const chainInput = inner.subarray(0, seedAt);
  const blockInput = inner.subarray(0, seedAt + seedLength);

  // A(1) is over the seed, which here stands for a moment where A(i) will be.
  const first = new Uint8Array(blockLength + seedLength);
  first.set(inner.subarray(0, blockLength));
  first.set(inner.subarray(seedAt, seedAt + seedLength), blockLength);
  outer.set(hash(hashName, first, "buffer"), blockLength);
  first.fill(0);
  inner.set(hash(hashName, outerInput, "buffer"), blockLength);

  const output = new Uint8Array(length);
  for (let at = 0; ; ) {
    outer.set(hash(hashName, blockInput, "buffer"), blockLength);
    const block = hash(hashName, outerInput, "buffer");
    const left = length - at;
    if (left <= hashLength) {
      output.set(left === hashLength ? block : block.subarray(0, left), at);
      break;
    }
    output.set(block, at);
    at += hashLength;
    outer.set(hash(hashName, chainInput, "buffer"), blockLength);
    inner.set(hash(hashName, outerInput, "buffer"), blockLength);
  }
  inner.fill(0, 0, seedAt);
  outer.fill(0);
  return output;
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
const innerScratch = new Uint8Array(128 + 48 + 256);
const outerScratch = new Uint8Array(128 + 48);

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
