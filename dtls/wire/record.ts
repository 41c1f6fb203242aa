import { putUint16, putUint48, uint8At, uint16At, uint48At } from "./bytes.ts";
import { ContentType, ProtocolVersion } from "./registry.ts";

/** A record as it came, its fragment still protected. Everything of bytes is a view of the datagram. */
export interface RawRecord {
  readonly type: number;
  readonly version: number;
  readonly epoch: number;
  /** 48 bits. */
  readonly sequence: number;
  /** Of tls12_cid records alone (RFC 9146 §4). */
  readonly connectionId: Uint8Array | undefined;
  readonly fragment: Uint8Array;
  /** The whole record with its header. */
  readonly bytes: Uint8Array;
}

/** RFC 6347 §4.1: type 1, version 2, epoch 2, sequence_number 6, length 2. */
export const recordHeaderLength = 13;
/** RFC 5246 §6.2.1: the most that a record holds before it is protected. */
export const maxPlaintextLength = 2 ** 14;
export const maxSequence = 2 ** 48 - 1;

/**
 * The record that begins at `offset`; the next one begins `bytes.length` later. Undefined when there is none that is
 * whole: RFC 6347 §4.1.2.7: invalid records are discarded, and with an unreadable length goes the rest of the datagram.
 * `connectionIdLength` is how long the ids are that this side hands out; without them no tls12_cid record is read.
 *
 * By hand, not as a struct: this runs for every record, also of whoever floods us.
 *
 * RFC 6347 §4.1                          RFC 9146 §4
 *     struct {                               struct {
 *       ContentType type;                      ContentType outer_type = tls12_cid;
 *       ProtocolVersion version;               ProtocolVersion version;
 *       uint16 epoch;                          uint16 epoch;
 *       uint48 sequence_number;                uint48 sequence_number;
 *                                              opaque cid[cid_length];
 *       uint16 length;                         uint16 length;
 *       opaque fragment[length];               opaque enc_content[length];
 *     } DTLSPlaintext;                       } DTLSCiphertext;
 */
export function readRecord(
  datagram: Uint8Array,
  offset: number,
  connectionIdLength: number,
): RawRecord | undefined {
  const type = uint8At(datagram, offset);
  const withConnectionId = type === ContentType.tls12_cid;
  // RFC 9146 §3: an empty connection id is never sent, so such a record cannot be meant for us.
  if (withConnectionId && connectionIdLength === 0) return undefined;
  const start = offset + recordHeaderLength + (withConnectionId ? connectionIdLength : 0);
  const end = start + uint16At(datagram, start - 2);
  // RFC 6347 §4.1.1: a record never spans datagrams. Its header neither: then `start` is beyond the end already.
  if (end > datagram.length) return undefined;
  return {
    type,
    version: uint16At(datagram, offset + 1),
    epoch: uint16At(datagram, offset + 3),
    sequence: uint48At(datagram, offset + 5),
    connectionId: withConnectionId ? datagram.subarray(offset + 11, start - 2) : undefined,
    fragment: datagram.subarray(start, end),
    bytes: offset === 0 && end === datagram.length ? datagram : datagram.subarray(offset, end),
  };
}

/** A record of epoch 0, which nothing protects. */
export function writePlaintextRecord(
  type: number,
  sequence: number,
  fragment: Uint8Array,
  version: number = ProtocolVersion.DTLS_1_2,
): Uint8Array {
  if (fragment.length > maxPlaintextLength) throw new RangeError(`${fragment.length} bytes in one record`);
  if (!(sequence >= 0 && sequence <= maxSequence)) throw new RangeError(`sequence number ${sequence}`);
  const record = new Uint8Array(recordHeaderLength + fragment.length);
  record[0] = type;
  putUint16(record, 1, version);
  putUint48(record, 5, sequence);
  putUint16(record, 11, fragment.length);
  record.set(fragment, recordHeaderLength);
  return record;
}
