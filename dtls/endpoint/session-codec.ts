import { DtlsError } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import { decode, encode, struct, uint8, uint16 } from "../wire/presentation.ts";
import { boolean, choice, number, optional, storedBytes, storedChain, text } from "./stored-types.ts";

const formatVersion = 2;

const Stored = struct({
  version: uint8,
  sessionId: storedBytes(0, 32),
  ticket: optional(storedBytes(0, 2 ** 16 - 1)),
  cipherSuite: uint16,
  masterSecret: storedBytes(48, 48),
  extendedMasterSecret: boolean,
  serverName: optional(text),
  alpnProtocol: optional(text),
  peerCertificateType: choice([undefined, "X509", "RawPublicKey", "PSK"]),
  peerChain: storedChain(),
  pskIdentity: optional(storedBytes(0, 2 ** 16 - 1)),
  pskTag: optional(storedBytes(0, 32)),
  /** Milliseconds since 1970. */
  expiresAt: number,
});

/** For a ticket or a client's store. It holds the master secret: it is encrypted, or kept as the key that it is. */
export function encodeSession(session: ResumableSession): Uint8Array {
  return encode(Stored, { ...session, pskTag: session.pskTag, version: formatVersion });
}

/** @throws DtlsError DTLS_STATE_INVALID for anything that `encodeSession` did not make */
export function decodeSession(bytes: Uint8Array): ResumableSession {
  try {
    const { version, ...stored } = decode("stored session", Stored, bytes);
    if (version !== formatVersion) throw new Error(`version ${version}`);
    return {
      ...stored,
      ticket: stored.ticket,
      serverName: stored.serverName,
      alpnProtocol: stored.alpnProtocol,
      peerCertificateType: stored.peerCertificateType,
      pskIdentity: stored.pskIdentity,
      pskTag: stored.pskTag,
    };
  } catch (cause) {
    throw new DtlsError("DTLS_STATE_INVALID", "not a stored session of this version", { cause });
  }
}
