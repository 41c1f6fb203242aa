import { deflateSync, inflateSync } from "node:zlib";
import { decode, encode, opaque, struct, uint16, uint24 } from "../../dtls/wire/presentation.ts";
import type { MessageBody } from "./messages.ts";
import { HandshakeType } from "./numbers.ts";
import { Refused } from "./stopped.ts";

/**
 * RFC 8879 §4
 *     struct {
 *          CertificateCompressionAlgorithm algorithm;
 *          uint24 uncompressed_length;
 *          opaque compressed_certificate_message<1..2^24-1>;
 *     } CompressedCertificate;
 */
const CompressedCertificate = struct({
  algorithm: uint16,
  uncompressedLength: uint24,
  compressed: opaque(1, 2 ** 24 - 1),
});

/** RFC 8879 §3 */
const zlib = 1;

/** `uncompressedLength` may lie. */
export function compressedCertificate(
  certificate: MessageBody,
  uncompressedLength: number = certificate.body.length,
): MessageBody {
  const compressed = deflateSync(certificate.body);
  return {
    msgType: HandshakeType.compressed_certificate,
    body: encode(CompressedCertificate, { algorithm: zlib, uncompressedLength, compressed }),
  };
}

/** The body of the Certificate within. Bounded by the most that a handshake message can have, and by nothing else. */
export function inflated(body: Uint8Array): Uint8Array {
  const { algorithm, compressed } = decode("CompressedCertificate", CompressedCertificate, body);
  if (algorithm !== zlib) throw new Refused("illegal_parameter", `compression algorithm ${algorithm}`);
  try {
    return inflateSync(compressed, { maxOutputLength: 2 ** 24 });
  } catch (cause) {
    throw new Refused("bad_certificate", `a compressed certificate cannot be inflated: ${String(cause)}`);
  }
}
