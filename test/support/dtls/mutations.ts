import type { Prng } from "../../../mitm/prng.ts";
import { recordsIn } from "./inspect.ts";
import { concat } from "./refragment.ts";

/*
 * Damage that a parser or a state machine may stumble over: from single bits to fields of headers, lengths, and
 * records put together anew. `others` are genuine datagrams to take pieces from.
 */

type Mutation = (bytes: Uint8Array, prng: Prng, others: readonly Uint8Array[]) => Uint8Array;

export function mutate(datagram: Uint8Array, prng: Prng, others: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(datagram);
  for (let times = 1 + prng.below(3); times > 0; times -= 1) {
    bytes = prng.pick(mutations)(bytes, prng, others);
  }
  return bytes;
}

/** Where fields of the record header and of the handshake header after it are. */
const recordHeader = { type: 0, version: 1, epoch: 3, sequence: 5, length: 11 } as const;
const handshakeHeader = {
  msgType: 13,
  length: 14,
  messageSeq: 17,
  fragmentOffset: 19,
  fragmentLength: 22,
} as const;

const extremes = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff] as const;

const mutations: readonly [Mutation, ...Mutation[]] = [
  flipBits,
  flipBits,
  setByte,
  setByte,
  setUint16,
  truncate,
  extend,
  splice,
  changeHeader,
  changeHeader,
  changeHeader,
  rearrange,
  removeRange,
  repeatRange,
  noise,
];

function flipBits(bytes: Uint8Array, prng: Prng): Uint8Array {
  for (let count = 1 + prng.below(4); count > 0 && bytes.length > 0; count -= 1) {
    const at = prng.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8));
  }
  return bytes;
}

function setByte(bytes: Uint8Array, prng: Prng): Uint8Array {
  if (bytes.length > 0)
    bytes[prng.below(bytes.length)] = prng.chance(0.5) ? prng.pick(extremes) : prng.below(256);
  return bytes;
}

/** Most often a length of two bytes, or part of one of three. */
function setUint16(bytes: Uint8Array, prng: Prng): Uint8Array {
  if (bytes.length < 2) return bytes;
  const at = prng.below(bytes.length - 1);
  const old = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const value = prng.pick([0, 1, old - 1, old + 1, 2 * old, 0x4000, 0x7fff, 0xffff, bytes.length - at - 2]);
  bytes[at] = (value >> 8) & 0xff;
  bytes[at + 1] = value & 0xff;
  return bytes;
}

function truncate(bytes: Uint8Array, prng: Prng): Uint8Array {
  return bytes.subarray(0, prng.below(bytes.length + 1));
}

function extend(bytes: Uint8Array, prng: Prng): Uint8Array {
  return concat([bytes, prng.bytes(prng.pick([1, 2, 12, 13, 14, 100]))]);
}

/** The start of this one, the end of another one. */
function splice(bytes: Uint8Array, prng: Prng, others: readonly Uint8Array[]): Uint8Array {
  const other = prng.pick(others);
  return concat([
    bytes.subarray(0, prng.below(bytes.length + 1)),
    other.subarray(prng.below(other.length + 1)),
  ]);
}

function changeHeader(bytes: Uint8Array, prng: Prng): Uint8Array {
  const [record] = prng.chance(0.7) ? [0] : [startOfSomeRecord(bytes, prng)];
  const at = record + prng.pick([...Object.values(recordHeader), ...Object.values(handshakeHeader)]);
  const width = at - record === recordHeader.sequence ? 6 : at - record === recordHeader.type ? 1 : 2;
  for (let index = at; index < at + width && index < bytes.length; index += 1) {
    bytes[index] = prng.chance(0.5) ? prng.pick(extremes) : (bytes[index] ?? 0) + prng.pick([-1, 1]);
  }
  return bytes;
}

function startOfSomeRecord(bytes: Uint8Array, prng: Prng): number {
  const records = recordsIn(bytes);
  if (records.length === 0) return 0;
  return prng.pick(records).bytes.byteOffset - bytes.byteOffset;
}

/** Records twice, in another order, left out, or with some of another datagram. */
function rearrange(bytes: Uint8Array, prng: Prng, others: readonly Uint8Array[]): Uint8Array {
  const records = [...recordsIn(bytes), ...recordsIn(prng.pick(others))].map((record) => record.bytes);
  if (records.length === 0) return bytes;
  return concat(Array.from({ length: 1 + prng.below(4) }, () => prng.pick(records)));
}

function removeRange(bytes: Uint8Array, prng: Prng): Uint8Array {
  const start = prng.below(bytes.length + 1);
  return concat([bytes.subarray(0, start), bytes.subarray(start + 1 + prng.below(16))]);
}

function repeatRange(bytes: Uint8Array, prng: Prng): Uint8Array {
  const start = prng.below(bytes.length + 1);
  const end = start + 1 + prng.below(16);
  return concat([bytes.subarray(0, end), bytes.subarray(start)]);
}

/** Nothing genuine but perhaps the start. */
function noise(bytes: Uint8Array, prng: Prng): Uint8Array {
  const kept = bytes.subarray(0, prng.pick([0, 1, 3, 5, 11, 13, 25]));
  return concat([kept, prng.bytes(prng.below(200))]);
}
