import { DtlsError } from "../errors.ts";
import { putUint16, putUint24, uint8At, uint16At, uint24At } from "./bytes.ts";

/** One fragment of a handshake message, or all of it. */
export interface HandshakeFragment {
  readonly msgType: number;
  /** Of the whole message; not yet held against any limit. */
  readonly length: number;
  readonly messageSeq: number;
  readonly fragmentOffset: number;
  /** A view. */
  readonly body: Uint8Array;
}

/** RFC 6347 §4.2.2: msg_type 1, length 3, message_seq 2, fragment_offset 3, fragment_length 3. */
export const handshakeHeaderLength = 12;

/**
 * The fragments of one record of type handshake, in order.
 *
 * RFC 6347 §4.2.2
 *     struct {
 *       HandshakeType msg_type;
 *       uint24 length;
 *       uint16 message_seq;
 *       uint24 fragment_offset;
 *       uint24 fragment_length;
 *       select (HandshakeType) { ... } body;
 *     } Handshake;
 */
export function readFragments(recordFragment: Uint8Array): HandshakeFragment[] {
  // RFC 5246 §6.2.1: no zero-length fragments of type handshake.
  if (recordFragment.length === 0) throw malformed("an empty record");
  const fragments: HandshakeFragment[] = [];
  for (let offset = 0; offset < recordFragment.length; ) {
    const start = offset + handshakeHeaderLength;
    const length = uint24At(recordFragment, offset + 1);
    const fragmentOffset = uint24At(recordFragment, offset + 6);
    const fragmentLength = uint24At(recordFragment, offset + 9);
    // RFC 6347 §4.2.3: a fragment must not exceed the record that holds it. With a cut header the room is negative.
    if (fragmentLength > recordFragment.length - start) throw malformed("a fragment goes beyond its record");
    if (fragmentOffset + fragmentLength > length) throw malformed("a fragment goes beyond its message");
    // It adds nothing, and a flood of them would cost us much and the sender little.
    if (fragmentLength === 0 && length > 0)
      throw malformed("an empty fragment of a message that is not empty");
    fragments.push({
      msgType: uint8At(recordFragment, offset),
      length,
      messageSeq: uint16At(recordFragment, offset + 4),
      fragmentOffset,
      body: recordFragment.subarray(start, start + fragmentLength),
    });
    offset = start + fragmentLength;
  }
  return fragments;
}

/** A fragment with its header, as a record carries it: `length` is that of the whole message. */
export function writeFragment(
  msgType: number,
  length: number,
  messageSeq: number,
  fragmentOffset: number,
  bodyPart: Uint8Array,
): Uint8Array {
  if (length >= 2 ** 24 || fragmentOffset + bodyPart.length > length) {
    throw new RangeError(`${fragmentOffset} + ${bodyPart.length} bytes of a message of ${length}`);
  }
  if (!(messageSeq >= 0 && messageSeq < 2 ** 16)) throw new RangeError(`message_seq ${messageSeq}`);
  const fragment = new Uint8Array(handshakeHeaderLength + bodyPart.length);
  fragment[0] = msgType;
  putUint24(fragment, 1, length);
  putUint16(fragment, 4, messageSeq);
  putUint24(fragment, 6, fragmentOffset);
  putUint24(fragment, 9, bodyPart.length);
  fragment.set(bodyPart, handshakeHeaderLength);
  return fragment;
}

/** The whole message in one fragment. RFC 6347 §4.2.6: this form, not how it travelled, is what the transcript holds. */
export function writeMessage(msgType: number, messageSeq: number, body: Uint8Array): Uint8Array {
  return writeFragment(msgType, body.length, messageSeq, 0, body);
}

function malformed(what: string): DtlsError {
  return new DtlsError("DTLS_DECODE_ERROR", `Handshake: ${what}`);
}
