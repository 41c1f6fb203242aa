import { closeSync, existsSync, fstatSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { PkiError } from "../errors.ts";

/** What may be bound to a statement here: SQLite's own types, no dates and no booleans. */
type SqlValue = null | number | string | Uint8Array;

/** A prepared statement whose rows are known to be of one type (the schema's `STRICT` tables hold it). */
export interface Query<Row> {
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
  /** Runs a statement for its effect; the number of rows it changed. */
  run(...parameters: SqlValue[]): number;
}

export interface DatabaseOptions {
  /** `PRAGMA application_id`: a database of another program is refused. */
  readonly applicationId: number;
  /** One script per schema version, in order; `PRAGMA user_version` says how many have run. */
  readonly migrations: readonly string[];
  readonly readOnly?: boolean;
  /** Make the file when there is none (default false: an absent file is an error). */
  readonly create?: boolean;
  /** How long a statement waits for another process's lock. */
  readonly busyTimeoutMs?: number;
}

/**
 * One SQLite file that several processes use at once: write-ahead log, `synchronous=FULL` (a commit that returned
 * is on the disk), readable and writable by its owner alone. Every failure is a `PkiError` PKI_INVENTORY_*.
 */
export class Database {
  readonly path: string;
  readonly readOnly: boolean;
  readonly #sqlite: DatabaseSync;
  readonly #dataVersion: StatementSync;
  #ownCommits = 0;

  private constructor(path: string, readOnly: boolean, sqlite: DatabaseSync) {
    this.path = path;
    this.readOnly = readOnly;
    this.#sqlite = sqlite;
    this.#dataVersion = sqlite.prepare("PRAGMA data_version");
  }

  /** Opens, checks and migrates. Throws PKI_INVENTORY_MISSING, _CORRUPT, _VERSION, _PERMISSIONS, _BUSY, _READ_ONLY. */
  static open(path: string, options: DatabaseOptions): Database {
    const readOnly = options.readOnly ?? false;
    prepareFile(path, !readOnly && (options.create ?? false));
    return translating(path, () => {
      const sqlite = new DatabaseSync(path, {
        readOnly,
        timeout: options.busyTimeoutMs ?? 10_000,
        enableForeignKeyConstraints: true,
      });
      try {
        checkContents(sqlite, path, options);
        if (!readOnly) {
          useWriteAheadLog(sqlite);
          migrate(sqlite, options);
        }
        return new Database(path, readOnly, sqlite);
      } catch (error) {
        sqlite.close();
        throw error;
      }
    });
  }

  query<Row>(sql: string): Query<Row> {
    const statement = translating(this.path, () => this.#sqlite.prepare(sql));
    const { path } = this;
    // The one place where SQLite's untyped rows become typed ones; the STRICT schema holds what the types say.
    // oxlint-disable typescript/no-unsafe-type-assertion
    return {
      get: (...parameters) => translating(path, () => statement.get(...parameters) as Row | undefined),
      all: (...parameters) => translating(path, () => statement.all(...parameters) as Row[]),
      run: (...parameters) => translating(path, () => Number(statement.run(...parameters).changes)),
    };
    // oxlint-enable typescript/no-unsafe-type-assertion
  }

  /**
   * Runs `work` in one transaction that holds the write lock from its beginning (`BEGIN IMMEDIATE`): what it reads
   * cannot change before it writes. All of it is durable when this returns, or none of it happened. Called inside
   * another `write` it joins it. `work` is synchronous, so nothing else of this process can slip in between.
   */
  write<T>(work: () => T): T {
    if (this.readOnly) {
      throw new PkiError("PKI_INVENTORY_READ_ONLY", "the inventory was opened for reading only");
    }
    const nested = this.#sqlite.isTransaction;
    const result = this.#transaction("BEGIN IMMEDIATE", work);
    if (!nested) this.#ownCommits += 1;
    return result;
  }

  /** Runs `work` on one snapshot: commits of other processes in the meantime stay invisible to it. */
  snapshot<T>(work: () => T): T {
    return this.#transaction("BEGIN", work);
  }

  /** Grows with every commit that any process makes to this file. */
  changeCounter(): number {
    // data_version moves on other connections' commits only: our own are counted here.
    const row = translating(this.path, () => this.#dataVersion.get());
    return Number(row?.["data_version"]) + this.#ownCommits;
  }

  close(): void {
    if (this.#sqlite.isOpen) this.#sqlite.close();
  }

  #transaction<T>(begin: string, work: () => T): T {
    if (this.#sqlite.isTransaction) return work();
    return translating(this.path, () => {
      this.#sqlite.exec(begin);
      try {
        const result = work();
        this.#sqlite.exec("COMMIT");
        return result;
      } catch (error) {
        // SQLite itself has already rolled back after some failures (a full disk, for one).
        if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
        throw error;
      }
    });
  }
}

/** The file exists with mode 0600 before SQLite opens it: SQLite gives -wal and -shm the mode of the main file. */
function prepareFile(path: string, create: boolean): void {
  if (!create && !existsSync(path)) {
    throw new PkiError(
      "PKI_INVENTORY_MISSING",
      `no inventory at ${path}: run "sallyport init", or name the right directory`,
    );
  }
  let file: number;
  try {
    file = openSync(path, create ? "a" : "r", 0o600);
  } catch (cause) {
    throw new PkiError(
      "PKI_INVENTORY_IO",
      `cannot open the inventory ${path}: check its owner and the disk`,
      { cause },
    );
  }
  try {
    if (process.platform !== "win32" && (fstatSync(file).mode & 0o022) !== 0) {
      const advice = `run "chmod 600 ${path}"`;
      throw new PkiError("PKI_INVENTORY_PERMISSIONS", `others may write to the inventory ${path}: ${advice}`);
    }
  } finally {
    closeSync(file);
  }
}

function checkContents(sqlite: DatabaseSync, path: string, options: DatabaseOptions): void {
  const version = pragma(sqlite, "user_version");
  const wanted = options.migrations.length;
  // A new file has no tables yet, whether or not SQLite has already written its first page.
  const fresh = version === 0 && sqlite.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (!fresh && pragma(sqlite, "application_id") !== options.applicationId) {
    throw corrupt(path, new Error("it is a database of another program"));
  }
  // Every inventory was made whole: one without tables has lost them, and must not pass for a new one.
  if (fresh && options.create !== true) throw corrupt(path, new Error("it is empty"));
  if (version > wanted) {
    throw new PkiError(
      "PKI_INVENTORY_VERSION",
      `the inventory has schema ${version}, this program knows up to ${wanted}: use the newer sallyport that wrote it`,
    );
  }
  if (options.readOnly && version < wanted) {
    throw new PkiError(
      "PKI_INVENTORY_VERSION",
      `the inventory has schema ${version}, ${wanted} is wanted: run any "sallyport device" command once to migrate it`,
    );
  }
  const verdict: unknown = sqlite.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (verdict !== "ok") throw corrupt(path, new Error(String(verdict)));
}

function useWriteAheadLog(sqlite: DatabaseSync): void {
  if (sqlite.prepare("PRAGMA journal_mode").get()?.["journal_mode"] !== "wal")
    sqlite.exec("PRAGMA journal_mode = WAL");
  sqlite.exec("PRAGMA synchronous = FULL");
  // Deletes that hide inside INSERT OR REPLACE must fire the triggers that guard the append-only tables.
  sqlite.exec("PRAGMA recursive_triggers = ON");
}

function migrate(sqlite: DatabaseSync, options: DatabaseOptions): void {
  if (pragma(sqlite, "user_version") === options.migrations.length) return;
  sqlite.exec("BEGIN IMMEDIATE");
  try {
    // Read again under the lock: another process may have migrated in the meantime.
    for (const script of options.migrations.slice(pragma(sqlite, "user_version"))) sqlite.exec(script);
    sqlite.exec(`PRAGMA application_id = ${options.applicationId}`);
    sqlite.exec(`PRAGMA user_version = ${options.migrations.length}`);
    sqlite.exec("COMMIT");
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
    throw error;
  }
}

function pragma(sqlite: DatabaseSync, name: string): number {
  return Number(sqlite.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Primary result codes, https://sqlite.org/rescode.html. */
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

function translating<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(path, error);
  }
}

function translated(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return error;
  const options = { cause: error };
  switch (error.errcode & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt(path, error);
    case SQLITE_FULL:
      return new PkiError(
        "PKI_INVENTORY_FULL",
        `the disk of ${path} is full: nothing was recorded; make room and run it again`,
        options,
      );
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return new PkiError(
        "PKI_INVENTORY_READ_ONLY",
        `the inventory ${path} cannot be written: check its owner and mode`,
        options,
      );
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new PkiError(
        "PKI_INVENTORY_BUSY",
        `the inventory ${path} is in use by another process: run it again`,
        options,
      );
    default:
      return new PkiError(
        "PKI_INVENTORY_IO",
        `the inventory ${path} refused an operation (${error.message}): nothing was recorded`,
        options,
      );
  }
}

function corrupt(path: string, cause: Error): PkiError {
  const advice = `stop the gateway, keep the damaged file, and restore ${path} from a backup`;
  return new PkiError("PKI_INVENTORY_CORRUPT", `the inventory is damaged: ${advice}`, { cause });
}
