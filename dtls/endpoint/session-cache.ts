import type { ResumableSession } from "../handshake/session.ts";

/** What a session may take on the average, in bytes: a chain of three certificates, and what else there is. */
const averageBytes = 4096;

/**
 * Sessions that clients may resume by id (RFC 5246 §7.3), in memory. Bounded by number and by what they take, for a
 * client chooses how long its chain is: the ones that were used least recently make room, and whoever comes back for
 * one makes a full handshake.
 */
export class SessionCache {
  readonly #capacity: number;
  readonly #wallClock: () => number;
  /** In the order of use. */
  readonly #sessions = new Map<string, ResumableSession>();
  #bytes = 0;

  constructor(capacity: number, wallClock: () => number) {
    this.#capacity = capacity;
    this.#wallClock = wallClock;
  }

  get size(): number {
    return this.#sessions.size;
  }

  store(session: ResumableSession): void {
    this.delete(session.sessionId);
    this.#sessions.set(keyOf(session.sessionId), session);
    this.#bytes += bytesOf(session);
    while (this.#sessions.size > this.#capacity || this.#bytes > this.#capacity * averageBytes) {
      const oldest = this.#sessions.values().next();
      if (oldest.done === true) return;
      this.delete(oldest.value.sessionId);
    }
  }

  find(sessionId: Uint8Array): ResumableSession | undefined {
    const key = keyOf(sessionId);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (session.expiresAt <= this.#wallClock()) {
      this.delete(sessionId);
      return undefined;
    }
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }

  /** RFC 5246 §7.2.2: a connection that ended in a fatal alert must not be resumed. */
  delete(sessionId: Uint8Array): void {
    const key = keyOf(sessionId);
    const session = this.#sessions.get(key);
    if (session === undefined) return;
    this.#sessions.delete(key);
    this.#bytes -= bytesOf(session);
  }
}

function keyOf(sessionId: Uint8Array): string {
  return Buffer.from(sessionId).toString("latin1");
}

function bytesOf({ peerChain, pskIdentity }: ResumableSession): number {
  let bytes = pskIdentity?.length ?? 0;
  for (const certificate of peerChain) bytes += certificate.length;
  return bytes;
}
