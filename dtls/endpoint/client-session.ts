import { DtlsError } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import { decode, encode, opaque, struct } from "../wire/presentation.ts";
import { decodeSession, encodeSession } from "./session-codec.ts";

/** What a client keeps between connections: bound to the server that it was authenticated for. */
const ClientSession = struct({
  format: opaque(1, 32),
  peerName: opaque(0, 255),
  session: opaque(1, 2 ** 24 - 1),
});

const format = new TextEncoder().encode("sallyport dtls session 1");

/** Holds the master secret: whoever has it can take the place of this client. */
export function writeClientSession(peerName: string, session: ResumableSession): Uint8Array {
  return encode(ClientSession, {
    format,
    peerName: new TextEncoder().encode(peerName),
    session: encodeSession(session),
  });
}

/**
 * A resumed handshake shows no certificate again, so a session is good for the name alone that it was made for.
 * @throws DtlsError DTLS_OPTIONS_INVALID
 */
export function readClientSession(peerName: string, bytes: Uint8Array): ResumableSession {
  const { name, session } = read(bytes);
  if (name === peerName) return session;
  throw new DtlsError(
    "DTLS_OPTIONS_INVALID",
    `session was made with ${name} and cannot be used for ${peerName}`,
  );
}

function read(bytes: Uint8Array): { name: string; session: ResumableSession } {
  try {
    const stored = decode("session", ClientSession, bytes);
    if (Buffer.compare(stored.format, format) !== 0) throw new Error("another format");
    return { name: Buffer.from(stored.peerName).toString("utf8"), session: decodeSession(stored.session) };
  } catch (cause) {
    throw new DtlsError("DTLS_OPTIONS_INVALID", "session is not what session.session gave", { cause });
  }
}
