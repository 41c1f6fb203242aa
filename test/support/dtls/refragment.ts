import type { Prng } from "../../../mitm/prng.ts";
import { fragmentsIn, recordsIn, type SeenFragment, type SeenRecord } from "./inspect.ts";

export interface Refragmentation {
  /** The largest piece of a handshake message, in bytes. */
  readonly pieceBytes: number;
  /** How many bytes a piece shares with the one before. */
  readonly overlapBytes: number;
  /** Pieces of one record stay in it, or each goes into a datagram of its own. */
  readonly apart: boolean;
  /** The order of the pieces is that of the seed. */
  readonly shuffle: boolean;
}

/**
 * What a box on the path, or another stack, may do to the handshake of epoch 0 (RFC 6347 §4.2.3: "DTLS implementations
 * MUST be able to handle overlapping fragment ranges"). ClientHellos stay whole: their first fragment must reach to
 * the cookie, and a server without state keeps no pieces.
 */
export function refragment(datagram: Uint8Array, how: Refragmentation, prng: Prng): Uint8Array[] {
  const records = recordsIn(datagram);
  const total = records.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total !== datagram.length || !records.some(isCuttable)) return [datagram];
  if (how.apart) return records.flatMap((record) => spread(record, how, prng));
  return [concat(records.map((record) => within(record, how, prng)))];
}

function within(record: SeenRecord, how: Refragmentation, prng: Prng): Uint8Array {
  if (!isCuttable(record)) return record.bytes;
  const pieces = concat(cutAll(record, how, prng));
  return withHeaderOf(record, record.sequence, pieces);
}

/** Record numbers are spread too, so that none comes twice: 64 new ones for each old one. */
function spread(record: SeenRecord, how: Refragmentation, prng: Prng): Uint8Array[] {
  if (record.epoch > 0) return [record.bytes];
  if (!isCuttable(record)) return [withHeaderOf(record, record.sequence * 64, record.fragment)];
  return cutAll(record, how, prng).map((piece, index) =>
    withHeaderOf(record, record.sequence * 64 + (index % 64), piece),
  );
}

function cutAll(record: SeenRecord, how: Refragmentation, prng: Prng): Uint8Array[] {
  const pieces = fragmentsIn(record.fragment).flatMap((fragment) => cut(fragment, how));
  if (how.shuffle) {
    for (let index = pieces.length - 1; index > 0; index -= 1) {
      const other = prng.below(index + 1);
      [pieces[index], pieces[other]] = [pieces[other] ?? new Uint8Array(), pieces[index] ?? new Uint8Array()];
    }
  }
  return pieces;
}

function cut(fragment: SeenFragment, { pieceBytes, overlapBytes }: Refragmentation): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  do {
    const from = Math.max(0, start - overlapBytes);
    const end = Math.min(fragment.body.length, start + pieceBytes);
    pieces.push(fragmentBytes(fragment, fragment.fragmentOffset + from, fragment.body.subarray(from, end)));
    start = end;
  } while (start < fragment.body.length);
  return pieces;
}

export function fragmentBytes(
  { msgType, length, messageSeq }: Pick<SeenFragment, "msgType" | "length" | "messageSeq">,
  fragmentOffset: number,
  body: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, msgType * 2 ** 24 + length);
  view.setUint16(4, messageSeq);
  view.setUint8(6, fragmentOffset >>> 16);
  view.setUint16(7, fragmentOffset & 0xffff);
  view.setUint8(9, body.length >>> 16);
  view.setUint16(10, body.length & 0xffff);
  bytes.set(body, 12);
  return bytes;
}

/** A record of the same kind and epoch with another number and content. */
export function withHeaderOf(
  record: Pick<SeenRecord, "type" | "version" | "epoch">,
  sequence: number,
  fragment: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(13 + fragment.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, record.type);
  view.setUint16(1, record.version);
  view.setUint16(3, record.epoch);
  view.setUint16(5, Math.floor(sequence / 2 ** 32));
  view.setUint32(7, sequence >>> 0);
  view.setUint16(11, fragment.length);
  bytes.set(fragment, 13);
  return bytes;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function isCuttable(record: SeenRecord): boolean {
  if (record.epoch !== 0 || record.type !== 22) return false;
  const fragments = fragmentsIn(record.fragment);
  return fragments.length > 0 && fragments.every(({ msgType }) => msgType !== 1);
}
