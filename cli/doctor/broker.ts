import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

const check = "broker-state";

/**
 * The sessions, queued and retained messages of the gateway. No lock is taken on the file: a gateway that starts
 * meanwhile would take this for another gateway.
 */
export function examineBroker({ broker: path }: StateFiles): Finding[] {
  if (!existsSync(path)) return [{ level: "ok", check, message: "the gateway has stored nothing yet" }];
  // Beside an open database stands its write-ahead log, which a gateway that ends in order takes away.
  if (existsSync(`${path}-wal`)) return inUse(path);
  if (statSync(path).size === 0) {
    const message = `${path} is empty: what the gateway had stored is lost`;
    return [{ level: "warning", check, message, next: "restore it from a backup, or remove it" }];
  }
  const wrong = faultOf(path);
  if (wrong === undefined)
    return [{ level: "ok", check, message: "the gateway's stored messages are whole" }];
  // A gateway that began to write while this read explains anything.
  return existsSync(`${path}-wal`) ? inUse(path) : [damaged(path, wrong)];
}

function inUse(path: string): Finding[] {
  const size = statSync(path).size;
  if (size > 0 && !beginsAsDatabase(path)) return [damaged(path, "it is no database")];
  const message = `${path} not looked into: a gateway uses it, or will check it when it starts next`;
  return [{ level: "ok", check, message }];
}

/** What SQLite finds wrong with the file. `immutable`: https://www.sqlite.org/uri.html, no lock and no other file. */
function faultOf(path: string): string | undefined {
  const address = pathToFileURL(resolve(path));
  address.searchParams.set("immutable", "1");
  try {
    using database = new DatabaseSync(address, { readOnly: true });
    const verdict = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
    return verdict === "ok" ? undefined : String(verdict);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function beginsAsDatabase(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(16);
    readSync(file, head);
    // https://www.sqlite.org/fileformat2.html §1.3.1
    return head.toString("latin1") === "SQLite format 3\0";
  } finally {
    closeSync(file);
  }
}

function damaged(path: string, wrong: string): Finding {
  return {
    level: "error",
    check,
    message: `${path} is damaged: ${wrong}`,
    next: "restore it from a backup, or move it away: the gateway then starts without stored messages",
  };
}
