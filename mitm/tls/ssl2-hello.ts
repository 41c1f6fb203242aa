import { extension } from "./extensions.ts";
import { clientHello, withHeader } from "./messages.ts";
import { ContentType, HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme } from "./numbers.ts";
import { plaintextRecord } from "./record-keys.ts";

/**
 * RFC 5246 §E.2: the ClientHello that a client in the form of SSL 2.0 means, as a record of TLS; undefined where the
 * bytes do not hold all of one. `length`: what it took of them.
 *
 *     uint8 V2CipherSpec[3];
 *     struct {
 *         uint16 msg_length;
 *         uint8 msg_type;
 *         Version version;
 *         uint16 cipher_spec_length;
 *         uint16 session_id_length;
 *         uint16 challenge_length;
 *         V2CipherSpec cipher_specs[V2ClientHello.cipher_spec_length];
 *         opaque session_id[V2ClientHello.session_id_length];
 *         opaque challenge[V2ClientHello.challenge_length];
 *     } V2ClientHello;
 */
export function ssl2Hello(
  bytes: Buffer,
): { readonly record: Uint8Array; readonly length: number } | undefined {
  if (bytes.length < 11 || !looksLikeSsl2(bytes)) return undefined;
  const length = 2 + (bytes.readUInt16BE(0) & 0x7fff);
  const specsLength = bytes.readUInt16BE(5);
  const sessionIdLength = bytes.readUInt16BE(7);
  const challengeLength = bytes.readUInt16BE(9);
  if (bytes.length < length || 11 + specsLength + sessionIdLength + challengeLength !== length)
    return undefined;
  const cipherSuites: number[] = [];
  for (let at = 11; at + 3 <= 11 + specsLength; at += 3) {
    if (bytes[at] === 0) cipherSuites.push(bytes.readUInt16BE(at + 1));
  }
  const random = new Uint8Array(32);
  // "the challenge ... is right-justified" in the random.
  random.set(
    bytes.subarray(length - Math.min(32, challengeLength), length),
    Math.max(0, 32 - challengeLength),
  );
  const message = clientHello({
    legacyVersion: bytes.readUInt16BE(3),
    random,
    sessionId: new Uint8Array(),
    cipherSuites,
    compressionMethods: [0],
    // The old form has no room for extensions; a server of this engine goes on with those alone who have these.
    extensions: [
      extension.supportedGroups([NamedGroup.secp256r1]),
      extension.signatureAlgorithms([
        SignatureScheme.ecdsa_secp256r1_sha256,
        SignatureScheme.rsa_pkcs1_sha256,
      ]),
      extension.extendedMasterSecret(),
    ],
  });
  return {
    record: plaintextRecord(ContentType.handshake, withHeader(message), ProtocolVersion.TLS_1_0),
    length,
  };
}

/** The 2-byte header with its high bit set, and CLIENT-HELLO. */
export function looksLikeSsl2(bytes: Buffer): boolean {
  return bytes.length >= 3 && (bytes.readUInt8(0) & 0x80) !== 0 && bytes[2] === HandshakeType.client_hello;
}
