import { DtlsError } from "../errors.ts";
import type { AssociationTable } from "./association-table.ts";
import type { Connection } from "./connection.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EndpointStats } from "./stats.ts";

export interface LifetimeSettings {
  readonly scheduler: Scheduler;
  wallClock(): number;
  readonly stats: EndpointStats;
  /** 0: for ever. */
  readonly idleTimeoutMs: number;
}

/** How long associations keep what only a repeated last flight needs is their business; this often they are asked. */
const tidyEveryMs = 60_000;
const longestSweepMs = 10_000;
const shortestSweepMs = 50;

/** How often to look for sessions whose time is over. */
export function sweepIntervalMs(idleTimeoutMs: number): number {
  const idle = idleTimeoutMs > 0 ? idleTimeoutMs / 4 : longestSweepMs;
  return Math.max(shortestSweepMs, Math.min(longestSweepMs, idle));
}

/** Ends sessions that say nothing any more, and those whose peer's certificate expires: by one timer for all. */
export class Lifetimes {
  readonly #table: AssociationTable<Connection>;
  readonly #settings: LifetimeSettings;
  readonly #cancel: () => void;
  /** The earliest end of a session, milliseconds since 1970. */
  #nextExpiry = Number.POSITIVE_INFINITY;
  #tidiedAt: number;

  constructor(table: AssociationTable<Connection>, settings: LifetimeSettings) {
    const { scheduler, idleTimeoutMs } = settings;
    this.#table = table;
    this.#settings = settings;
    this.#tidiedAt = scheduler.now();
    this.#cancel = scheduler.every(sweepIntervalMs(idleTimeoutMs), () => this.#sweep());
  }

  /** `connection.expiresAt` was set. */
  note({ expiresAt = Number.POSITIVE_INFINITY }: Connection): void {
    this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
  }

  /** Not only at the next sweep: one that is over before it began is none. */
  endIfExpired(connection: Connection): void {
    this.#endIfExpired(connection, this.#settings.wallClock());
  }

  stop(): void {
    this.#cancel();
  }

  #sweep(): void {
    const now = this.#settings.scheduler.now();
    this.#closeIdle(now);
    const wallClock = this.#settings.wallClock();
    if (wallClock >= this.#nextExpiry) this.#closeExpired(wallClock);
    if (now - this.#tidiedAt < tidyEveryMs) return;
    this.#tidiedAt = now;
    for (const connection of this.#table.values()) connection.association.tidy();
  }

  #closeIdle(now: number): void {
    const { idleTimeoutMs, stats } = this.#settings;
    if (idleTimeoutMs === 0) return;
    const idle: Connection[] = [];
    for (const { value, heardAt } of this.#table.leastRecentlyHeard()) {
      if (now - heardAt < idleTimeoutMs) break;
      idle.push(value);
    }
    for (const connection of idle) {
      stats.idle += 1;
      connection.close(new DtlsError("DTLS_IDLE", `nothing was heard for ${idleTimeoutMs} ms`));
    }
  }

  #closeExpired(wallClock: number): void {
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    // A copy: a callback may end others.
    for (const connection of Array.from(this.#table.values())) {
      if (!this.#endIfExpired(connection, wallClock)) this.note(connection);
    }
  }

  #endIfExpired(connection: Connection, wallClock: number): boolean {
    const { expiresAt = Number.POSITIVE_INFINITY } = connection;
    if (expiresAt > wallClock) return false;
    this.#settings.stats.expired += 1;
    connection.fail(new DtlsError("DTLS_CERTIFICATE_EXPIRED", "the peer's certificate expired"));
    return true;
  }
}
