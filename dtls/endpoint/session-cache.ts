import type { ResumableSession } from "../handshake/session.ts";

/**
 * Sessions that clients may resume by id (RFC 5246 §7.3), in memory. Bounded: the one that was used least recently
 * makes room, and whoever comes back for it makes a full handshake.
 */
export class SessionCache {
  readonly #capacity: number;
  readonly #wallClock: () => number;
  /** In the order of use. */
  readonly #sessions = new Map<string, ResumableSession>();

  constructor(capacity: number, wallClock: () => number) {
    this.#capacity = capacity;
    this.#wallClock = wallClock;
  }

  get size(): number {
    return this.#sessions.size;
  }

  store(session: ResumableSession): void {
    const key = keyOf(session.sessionId);
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size <= this.#capacity) return;
    const oldest = this.#sessions.keys().next();
    if (oldest.done !== true) this.#sessions.delete(oldest.value);
  }

  find(sessionId: Uint8Array): ResumableSession | undefined {
    const key = keyOf(sessionId);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    this.#sessions.delete(key);
    if (session.expiresAt <= this.#wallClock()) return undefined;
    this.#sessions.set(key, session);
    return session;
  }

  /** RFC 5246 §7.2.2: a connection that ended in a fatal alert must not be resumed. */
  delete(sessionId: Uint8Array): void {
    this.#sessions.delete(keyOf(sessionId));
  }
}

function keyOf(sessionId: Uint8Array): string {
  return Buffer.from(sessionId).toString("latin1");
}
