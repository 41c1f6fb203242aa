import type { Prng } from "../prng.ts";
import {
  DtlsContentType,
  type DtlsRecord,
  dtlsRecord,
  fragmentBytes,
  fragmentsIn,
  type HandshakeFragment,
} from "./datagram-record.ts";

export interface Refragmentation {
  /** The largest piece of a handshake message, in bytes. */
  readonly pieceBytes: number;
  /** How many bytes a piece shares with the one before. */
  readonly overlapBytes: number;
  /** The order of the pieces is that of the seed. */
  readonly shuffle: boolean;
}

/**
 * What a box on the path may do to the handshake of epoch 0 (RFC 6347 §4.2.3: "DTLS implementations MUST be able to
 * handle overlapping fragment ranges"): every piece in a datagram of its own. ClientHellos stay whole, since a server
 * without state keeps no pieces of them. Record numbers are spread, 64 new ones for each old one, so that none comes
 * twice.
 */
export function refragment(
  records: readonly DtlsRecord[],
  how: Refragmentation,
  prng: Prng,
): Uint8Array[] | undefined {
  if (!records.some(isCuttable)) return undefined;
  return records.flatMap((record) => {
    const { type, epoch, sequence, fragment } = record;
    if (epoch > 0) return [record.bytes];
    if (!isCuttable(record)) return [dtlsRecord({ type, epoch, sequence: sequence * 64 }, fragment)];
    const pieces = fragmentsIn(fragment).flatMap((one) => cut(one, how));
    if (how.shuffle) shuffle(pieces, prng);
    return pieces.map((piece, index) =>
      dtlsRecord({ type, epoch, sequence: sequence * 64 + (index % 64) }, fragmentBytes(piece)),
    );
  });
}

/** In clear, a handshake message, and no ClientHello or HelloVerifyRequest. */
function isCuttable({ epoch, type, fragment }: DtlsRecord): boolean {
  if (epoch !== 0 || type !== DtlsContentType.handshake) return false;
  const fragments = fragmentsIn(fragment);
  return fragments.length > 0 && fragments.every(({ msgType }) => msgType !== 1 && msgType !== 3);
}

function cut(
  fragment: HandshakeFragment,
  { pieceBytes, overlapBytes }: Refragmentation,
): HandshakeFragment[] {
  const pieces: HandshakeFragment[] = [];
  let start = 0;
  do {
    const from = Math.max(0, start - overlapBytes);
    const end = Math.min(fragment.body.length, start + pieceBytes);
    const fragmentOffset = fragment.fragmentOffset + from;
    pieces.push({ ...fragment, fragmentOffset, body: fragment.body.subarray(from, end) });
    start = end;
  } while (start < fragment.body.length);
  return pieces;
}

function shuffle(items: HandshakeFragment[], prng: Prng): void {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = prng.below(index + 1);
    const [here, there] = [items[index], items[other]];
    if (here !== undefined && there !== undefined) [items[index], items[other]] = [there, here];
  }
}
