import { uint8At, uint16At, uint24At, uint48At } from "../wire/bytes.ts";
import { handshakeHeaderLength } from "../wire/handshake.ts";
import { recordHeaderLength } from "../wire/record.ts";
import { ContentType, HandshakeType, ProtocolVersion } from "../wire/registry.ts";

/** The first fragment of a ClientHello, as far as its headers tell. */
export interface HelloFragment {
  readonly recordSequence: number;
  readonly messageSeq: number;
  /** A view of what follows the handshake header. */
  readonly body: Uint8Array;
}

/** version 2, random 32, session_id 1, cookie 1, cipher_suites 2 + 2, compression_methods 1 + 1. */
const shortestHello = 42;
const smallestDatagram = recordHeaderLength + handshakeHeaderLength + shortestHello;

/**
 * Whether a datagram of an unknown sender begins with a ClientHello, by a few comparisons: most of what scans and
 * floods send ends here. Nothing is allocated for what is refused.
 */
export function readHelloFragment(
  datagram: Uint8Array,
  maxMessageBytes: number,
): HelloFragment | "too_short" | "not_a_client_hello" | "later_fragment" {
  if (datagram.length < smallestDatagram) return "too_short";
  if (!isPlaintextHandshake(datagram)) return "not_a_client_hello";
  const recordEnd = recordHeaderLength + uint16At(datagram, 11);
  const start = recordHeaderLength + handshakeHeaderLength;
  if (recordEnd > datagram.length || uint8At(datagram, recordHeaderLength) !== HandshakeType.client_hello) {
    return "not_a_client_hello";
  }
  const length = uint24At(datagram, recordHeaderLength + 1);
  const fragmentOffset = uint24At(datagram, recordHeaderLength + 6);
  const fragmentEnd = start + uint24At(datagram, recordHeaderLength + 9);
  // Without the first fragment there is no cookie to look at, and nothing is kept for who has not shown one.
  if (fragmentOffset !== 0) return "later_fragment";
  if (length > maxMessageBytes || fragmentEnd - start > length || fragmentEnd > recordEnd) {
    return "not_a_client_hello";
  }
  if (fragmentEnd - start < shortestHello) return "too_short";
  return {
    recordSequence: uint48At(datagram, 5),
    messageSeq: uint16At(datagram, recordHeaderLength + 4),
    body: datagram.subarray(start, fragmentEnd),
  };
}

/** A plaintext ClientHello, or a fragment of one: what may begin a new association on a known address. */
export function isPlaintextClientHello(datagram: Uint8Array): boolean {
  return (
    datagram.length > recordHeaderLength &&
    isPlaintextHandshake(datagram) &&
    uint8At(datagram, recordHeaderLength) === HandshakeType.client_hello
  );
}

/** A handshake record of epoch 0 (RFC 6347 §4.1): the only thing that an unknown sender may begin with. */
function isPlaintextHandshake(datagram: Uint8Array): boolean {
  if (uint8At(datagram, 0) !== ContentType.handshake || uint16At(datagram, 3) !== 0) return false;
  const version = uint16At(datagram, 1);
  // RFC 6347 §4.2.1: before a version is negotiated it may be that of DTLS 1.0.
  return version === ProtocolVersion.DTLS_1_2 || version === ProtocolVersion.DTLS_1_0;
}
