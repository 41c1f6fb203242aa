import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { GatewayError } from "../errors.ts";
import {
  applicationId,
  type Operation,
  type StoredContents,
  schema,
  schemaVersion,
  statements,
} from "./operations.ts";

export interface DatabaseOptions {
  /** SQLite's `synchronous`. Anything but "full" gives up the promise that what was acknowledged survives. */
  readonly dangerouslySynchronous?: "off" | "full";
  /** The file's largest size in pages of 4096 bytes: a disk that is full, for tests. */
  readonly dangerouslyPageLimit?: number;
}

/**
 * The file, as one thread sees it: opened exclusively, applied to in transactions. Synchronous: belongs in the
 * worker, where an fsync holds nobody up.
 */
export class Database {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<keyof typeof statements, StatementSync>();

  /** Throws GatewayError GATEWAY_STATE_FAILED, _LOCKED, _CORRUPT or _VERSION. */
  constructor(path: string, options: DatabaseOptions = {}) {
    this.#database = openFile(path, options);
  }

  /** Everything stored, after what cannot outlive a process was removed (`now`: ms since the epoch). */
  contents(now: number): StoredContents {
    const database = this.#database;
    return guardCorruption(() => {
      database.exec("BEGIN IMMEDIATE");
      // MQTT-3.1.2-6: a clean session ends with its connection, and every connection ended with the process.
      database.exec("DELETE FROM inbound WHERE clean = 1");
      // Who was connected when the process died has been offline since now, not since the last connect.
      database.prepare("UPDATE sessions SET offline_since = ? WHERE offline_since IS NULL").run(now);
      database.exec(`DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.client = sessions.client)
        AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.client = sessions.client)
        AND NOT EXISTS (SELECT 1 FROM inbound i WHERE i.client = sessions.client)`);
      database.exec("COMMIT");
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- STRICT tables and CHECKs hold the types
      const rows = (sql: string) => database.prepare(sql).all() as never;
      return {
        sessions: rows("SELECT client, offline_since FROM sessions"),
        subscriptions: rows(
          "SELECT client, topic, qos, rh, rap, nl, identifier FROM subscriptions ORDER BY position",
        ),
        messages: rows("SELECT id, topic, payload, qos FROM messages ORDER BY id"),
        queue: rows("SELECT client, seq, message, qos, message_id, sent, released FROM queue ORDER BY seq"),
        inbound: rows("SELECT client, message_id FROM inbound"),
        retained: rows("SELECT topic, payload, qos, publisher FROM retained ORDER BY rowid"),
        wills: rows("SELECT client, broker, topic, payload, qos, retain FROM wills ORDER BY rowid"),
      };
    });
  }

  /** All of them in one transaction, durable when it returns; on an error none of them. */
  apply(operations: readonly Operation[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const [name, ...values] of operations) this.#statement(name).run(...values);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #statement(name: keyof typeof statements): StatementSync {
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      statement = this.#database.prepare(statements[name]);
      this.#statements.set(name, statement);
    }
    return statement;
  }
}

function openFile(path: string, options: DatabaseOptions): DatabaseSync {
  let database: DatabaseSync;
  try {
    // Queued payloads are nobody else's business; SQLite gives its -wal file the mode of the main file.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    database = new DatabaseSync(path);
  } catch (error) {
    throw new GatewayError("GATEWAY_STATE_FAILED", `cannot open ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    guardCorruption(() => prepare(database, path, options));
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function prepare(database: DatabaseSync, path: string, options: DatabaseOptions): void {
  // Two brokers on one file would each deliver and forget the other's messages. EXCLUSIVE before the first use of
  // the WAL also keeps its index in memory: no -shm file. The lock goes with the process, however that ends.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA trusted_schema = OFF");
  database.exec(`PRAGMA synchronous = ${options.dangerouslySynchronous === "off" ? "OFF" : "FULL"}`);
  if (options.dangerouslyPageLimit !== undefined) {
    database.exec(`PRAGMA max_page_count = ${Math.trunc(options.dangerouslyPageLimit)}`);
  }
  database.exec("PRAGMA journal_size_limit = 67108864; BEGIN IMMEDIATE; COMMIT");
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const version = pragma("user_version");
  const tables = database.prepare("SELECT name FROM sqlite_schema").all();
  if (version === 0 && tables.length === 0) {
    database.exec(`BEGIN IMMEDIATE; ${schema}
      PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
    return;
  }
  if (pragma("application_id") !== applicationId) {
    throw new GatewayError(
      "GATEWAY_STATE_CORRUPT",
      `${path} is another program's database; move it away or choose another state directory`,
    );
  }
  if (version !== schemaVersion) {
    throw new GatewayError(
      "GATEWAY_STATE_VERSION",
      `${path} has schema version ${String(version)}, this program knows ${schemaVersion}; install the newer program`,
    );
  }
  const verdict = pragma("quick_check(1)");
  if (verdict !== "ok") throw new Error(`quick_check: ${String(verdict)}`);
}

/** SQLite's result codes that decide what the operator is told. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_FULL = 13;
const SQLITE_IOERR = 10;

function guardCorruption<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const detail = messageOf(error);
    // The low byte is the primary result code.
    const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
    if (code === SQLITE_BUSY || code === SQLITE_LOCKED) {
      throw new GatewayError(
        "GATEWAY_STATE_LOCKED",
        "another gateway has the broker state open; stop it or give this one its own state directory",
        { cause: error },
      );
    }
    if (code === SQLITE_FULL || code === SQLITE_IOERR) {
      throw new GatewayError("GATEWAY_STATE_FAILED", `the broker state cannot be written: ${detail}`, {
        cause: error,
      });
    }
    throw new GatewayError(
      "GATEWAY_STATE_CORRUPT",
      `the broker state is damaged (${detail}); restore it or move it away to start empty`,
      { cause: error },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
