import { hash } from "node:crypto";
import { PkiError } from "../errors.ts";
import { canonicalJson, type JsonValue } from "./canonical-json.ts";
import type { Database, Query } from "./database.ts";

/** What happened, as the caller tells it. */
export interface NewAuditEntry {
  /** A dotted verb: "certificate.issue", "certificate.refuse", "device.retire". */
  readonly action: string;
  /** What it happened to: "device/pump-1", "ca/issuing". */
  readonly subject: string;
  readonly details?: { readonly [key: string]: JsonValue | undefined };
}

/** An entry as it stands in the chain. */
export interface AuditEntry {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Canonical JSON, exactly as it was hashed. */
  readonly details: string;
  readonly prevHash: string;
  readonly hash: string;
}

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

interface EntryRow {
  seq: number;
  at: number;
  actor: string;
  action: string;
  subject: string;
  details: string;
  prev_hash: string;
  hash: string;
}

/** What precedes the first entry. */
const genesis: AuditHead = { seq: 0, hash: "00".repeat(32) };
const entriesPerPage = 1000;

/**
 * The append-only record of every request, refused ones included. Each entry holds
 * `hash = SHA-256(prevHash || canonical JSON of {action, actor, at, details, seq, subject})`, so an entry that was
 * edited, removed or slipped in breaks the chain behind it. Whoever can rewrite the whole file can rewrite the whole
 * chain: keep a head elsewhere and hand it to `verify` to notice that too.
 */
export class AuditLog {
  readonly #database: Database;
  readonly #actor: string;
  readonly #now: () => Date;
  readonly #insert: Query<never>;
  readonly #readHead: Query<AuditHead>;
  readonly #moveHead: Query<never>;
  readonly #page: Query<EntryRow>;

  constructor(database: Database, actor: string, now: () => Date) {
    this.#database = database;
    this.#actor = actor;
    this.#now = now;
    this.#insert = database.query("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#readHead = database.query("SELECT seq, hash FROM audit_head");
    this.#moveHead = database.query("UPDATE audit_head SET seq = ?, hash = ?");
    this.#page = database.query("SELECT * FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?");
  }

  /** Appends one entry; durable when this returns (or with the transaction that it is called in). */
  append(entry: NewAuditEntry): AuditHead {
    return this.appendAll([entry]);
  }

  /** Appends entries in order, in one transaction. */
  appendAll(entries: readonly NewAuditEntry[]): AuditHead {
    return this.#database.write(() => {
      const at = this.#now().getTime();
      let head = this.head();
      for (const entry of entries) {
        const seq = head.seq + 1;
        const details = canonicalJson(entry.details ?? {});
        const row = { seq, at, actor: this.#actor, action: entry.action, subject: entry.subject, details };
        const digest = entryHash(head.hash, row);
        this.#insert.run(seq, at, row.actor, row.action, row.subject, details, head.hash, digest);
        head = { seq, hash: digest };
        this.#moveHead.run(head.seq, head.hash);
      }
      return head;
    });
  }

  /** The last entry's number and hash; `seq` 0 when there is none. */
  head(): AuditHead {
    return this.#readHead.get() ?? genesis;
  }

  /** Entries in order, from `from` to `to` inclusive (default all), read page by page. */
  *entries(
    range: { readonly from?: number; readonly to?: number } = {},
  ): Generator<AuditEntry, void, undefined> {
    const last = range.to ?? Number.MAX_SAFE_INTEGER;
    let next = range.from ?? 1;
    while (next <= last) {
      const rows = this.#page.all(next, entriesPerPage);
      for (const { at, prev_hash: prevHash, ...row } of rows) {
        if (row.seq > last) return;
        yield { ...row, at: new Date(at), prevHash };
        next = row.seq + 1;
      }
      if (rows.length < entriesPerPage) return;
    }
  }

  /**
   * Walks the whole chain. Throws PKI_AUDIT_BROKEN naming the first entry that was edited, is missing or was slipped
   * in; also when the end was cut off, or when `known`, a head noted down earlier, is not part of the chain.
   */
  verify(known?: AuditHead): { readonly entries: number; readonly head: AuditHead } {
    return this.#database.snapshot(() => {
      const stored = this.head();
      let head = genesis;
      for (const entry of this.entries()) {
        const seq = head.seq + 1;
        if (entry.seq !== seq) throw broken(seq, "is missing");
        if (entry.prevHash !== head.hash) throw broken(seq, "does not follow the one before it");
        const row = { ...entry, at: entry.at.getTime() };
        if (entry.hash !== entryHash(head.hash, row)) throw broken(seq, "was changed");
        head = { seq, hash: entry.hash };
        if (known?.seq === seq && known.hash !== head.hash)
          throw broken(seq, "differs from the head noted earlier");
      }
      if (head.seq !== stored.seq || head.hash !== stored.hash)
        throw broken(head.seq + 1, "was cut off the end");
      if (known !== undefined && known.seq > head.seq) throw broken(head.seq + 1, "was cut off the end");
      return { entries: head.seq, head };
    });
  }
}

function entryHash(prevHash: string, row: Omit<EntryRow, "prev_hash" | "hash">): string {
  const { seq, at, actor, action, subject, details } = row;
  const entry = canonicalJson({ seq, at, actor, action, subject, details });
  return hash("sha256", Buffer.concat([Buffer.from(prevHash, "hex"), Buffer.from(entry)]));
}

function broken(seq: number, what: string): PkiError {
  return new PkiError(
    "PKI_AUDIT_BROKEN",
    `the audit log is not as it was written: entry ${seq} ${what}; compare it with a backup`,
  );
}
