import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Database } from "../../../../pki/inventory/database.ts";
import { Inventory } from "../../../../pki/inventory/index.ts";
import { inventoryApplicationId, inventoryMigrations } from "../../../../pki/inventory/schema.ts";
import { newCertificate } from "../../../support/new-certificate.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-database-"));
  file = join(directory, "inventory.sqlite");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function refused(code: string, message = /./) {
  return expect.objectContaining({ name: "PkiError", code, message: expect.stringMatching(message) });
}

function make(): Inventory {
  const inventory = Inventory.open(directory, { create: true });
  inventory.addDevice({ id: "pump-1", kind: "device" });
  return inventory;
}

function edit(sql: string): void {
  const sqlite = new DatabaseSync(file);
  sqlite.exec(sql);
  sqlite.close();
}

describe("the inventory file", () => {
  test("file, write-ahead log and shared memory are the owner's alone", () => {
    const inventory = make();
    for (const name of ["", "-wal", "-shm"]) expect(statSync(file + name).mode & 0o777).toBe(0o600);
    inventory.close();
  });

  test("a missing inventory does not pass for an empty one", () => {
    expect(() => Inventory.open(directory)).toThrow(refused("PKI_INVENTORY_MISSING", /sallyport init/));
    expect(() => Inventory.open(directory, { readOnly: true, create: true })).toThrow(
      refused("PKI_INVENTORY_MISSING"),
    );
    expect(existsSync(file)).toBe(false);
  });

  test("an inventory that lost its contents does not pass for a new one, and stays as it is", () => {
    make().close();
    writeFileSync(file, "", { mode: 0o600 });
    for (const readOnly of [true, false])
      expect(() => Inventory.open(directory, { readOnly })).toThrow(
        refused("PKI_INVENTORY_CORRUPT", /backup/),
      );
    expect(readFileSync(file)).toHaveLength(0);
  });

  test("an inventory that others may write to is refused", () => {
    make().close();
    chmodSync(file, 0o666);
    expect(() => Inventory.open(directory)).toThrow(refused("PKI_INVENTORY_PERMISSIONS", /chmod 600/));
  });

  test("a file that is no database is refused, with what to do, and stays as it is", () => {
    writeFileSync(file, "this is no database ".repeat(1000), { mode: 0o600 });
    const before = readFileSync(file);
    expect(() => Inventory.open(directory, { create: true })).toThrow(
      refused("PKI_INVENTORY_CORRUPT", /backup/),
    );
    expect(readFileSync(file)).toEqual(before);
  });

  test("a damaged page is noticed on opening", () => {
    const inventory = make();
    inventory.recordCertificates(Array.from({ length: 200 }, () => newCertificate()));
    inventory.close();
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 8192, bytes.length);
    writeFileSync(file, bytes);
    expect(() => Inventory.open(directory)).toThrow(refused("PKI_INVENTORY_CORRUPT", /backup/));
    expect(() => Inventory.open(directory, { readOnly: true })).toThrow(refused("PKI_INVENTORY_CORRUPT"));
  });

  test("a truncated file is noticed on opening", () => {
    const inventory = make();
    inventory.recordCertificates(Array.from({ length: 50 }, () => newCertificate()));
    inventory.close();
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect(() => Inventory.open(directory)).toThrow(refused("PKI_INVENTORY_CORRUPT"));
  });

  test("a database of another program is refused and not touched", () => {
    edit("CREATE TABLE notes (text TEXT)");
    chmodSync(file, 0o600);
    const before = readFileSync(file);
    expect(() => Inventory.open(directory, { create: true })).toThrow(refused("PKI_INVENTORY_CORRUPT"));
    expect(readFileSync(file)).toEqual(before);
  });

  test("a newer schema is refused", () => {
    make().close();
    edit(`PRAGMA user_version = ${inventoryMigrations.length + 1}`);
    expect(() => Inventory.open(directory)).toThrow(refused("PKI_INVENTORY_VERSION", /newer sallyport/));
    expect(() => Inventory.open(directory, { readOnly: true })).toThrow(refused("PKI_INVENTORY_VERSION"));
  });

  test("an older schema is migrated, once, keeping what is in it", () => {
    make().close();
    const migrations = [...inventoryMigrations, "CREATE TABLE later (x TEXT) STRICT"];
    const options = { applicationId: inventoryApplicationId, migrations };
    expect(() => Database.open(file, { ...options, readOnly: true })).toThrow(
      refused("PKI_INVENTORY_VERSION", /migrate/),
    );
    for (const _ of [1, 2]) {
      const database = Database.open(file, options);
      expect(database.query("SELECT id FROM devices").all()).toHaveLength(1);
      expect(database.query("SELECT * FROM later").all()).toEqual([]);
      database.close();
    }
  });

  test("a migration that fails leaves the old schema", () => {
    make().close();
    const migrations = [
      ...inventoryMigrations,
      "CREATE TABLE later (x TEXT) STRICT; CREATE TABLE devices (x)",
    ];
    expect(() => Database.open(file, { applicationId: inventoryApplicationId, migrations })).toThrow(
      /devices/,
    );
    const inventory = Inventory.open(directory);
    expect(inventory.device("pump-1")).toBeDefined();
    inventory.close();
    expect(
      new DatabaseSync(file).prepare("SELECT 1 FROM sqlite_schema WHERE name = 'later'").get(),
    ).toBeUndefined();
  });

  test("a reader cannot write", () => {
    make().close();
    const reader = Inventory.open(directory, { readOnly: true });
    expect(reader.device("pump-1")).toBeDefined();
    expect(() => reader.addDevice({ id: "pump-2", kind: "device" })).toThrow(
      refused("PKI_INVENTORY_READ_ONLY"),
    );
    reader.close();
  });

  test("a full disk: the whole batch is refused, nothing of it is recorded, and what was there stays", () => {
    make().close();
    const database = Database.open(file, {
      applicationId: inventoryApplicationId,
      migrations: inventoryMigrations,
    });
    const pages = database.query<{ page_count: number }>("PRAGMA page_count").get()?.page_count ?? 0;
    database.query(`PRAGMA max_page_count = ${pages + 2}`).get();
    const insert = database.query("INSERT INTO devices VALUES (?, 'device', NULL, 'active', 0)");
    const fill = () =>
      database.write(() => Array.from({ length: 5000 }, (_, n) => insert.run(`filler-${n}`)));
    expect(fill).toThrow(refused("PKI_INVENTORY_FULL", /make room/));
    expect(database.query("SELECT * FROM devices").all()).toHaveLength(1);
    database.close();
  });

  test("a lock that is held too long is reported as such", () => {
    make().close();
    const holder = new DatabaseSync(file);
    holder.exec("BEGIN IMMEDIATE");
    const inventory = Inventory.open(directory, { busyTimeoutMs: 20 });
    expect(() => inventory.addDevice({ id: "pump-2", kind: "device" })).toThrow(
      refused("PKI_INVENTORY_BUSY"),
    );
    holder.exec("ROLLBACK");
    inventory.addDevice({ id: "pump-2", kind: "device" });
    inventory.close();
    holder.close();
  });

  test("a copy of the closed file is a backup", () => {
    make().close();
    copyFileSync(file, join(directory, "copy"));
    rmSync(file);
    copyFileSync(join(directory, "copy"), file);
    const inventory = Inventory.open(directory);
    expect(inventory.device("pump-1")).toBeDefined();
    inventory.close();
  });
});

describe("several at once", () => {
  test("the change counter moves for own commits and for those of others, and for nothing else", () => {
    const writer = make();
    const reader = Inventory.open(directory, { readOnly: true });
    const seen = [reader.changeCounter()];
    expect(reader.changeCounter()).toBe(seen[0]);
    reader.device("pump-1");
    expect(reader.changeCounter()).toBe(seen[0]);
    writer.addDevice({ id: "pump-2", kind: "device" });
    seen.push(reader.changeCounter());
    writer.setGroup("pump-2", "roof");
    seen.push(reader.changeCounter());
    expect(new Set(seen).size).toBe(3);
    const own = writer.changeCounter();
    writer.retireDevice("pump-2");
    expect(writer.changeCounter()).not.toBe(own);
    expect(reader.device("pump-2")?.status).toBe("retired");
    reader.close();
    writer.close();
  });

  test("three processes write at once: nothing is lost, CRL numbers are unique, the audit chain holds", async () => {
    make().close();
    const each = 40;
    const outputs = await Promise.all(["a", "b", "c"].map((prefix) => runWriter(prefix, each)));
    const printed = outputs.flat();
    expect(printed).toHaveLength(3 * each);
    expect(new Set(printed.map(({ number }) => number)).size).toBe(3 * each);
    const inventory = Inventory.open(directory);
    for (const { fingerprint } of printed) expect(inventory.certificate(fingerprint)).toBeDefined();
    expect(inventory.audit.verify().entries).toBe(1 + 3 * each * 2);
    expect(new Set([...inventory.audit.entries()].map(({ actor }) => actor)).size).toBe(4);
    inventory.close();
  });
});

async function runWriter(
  prefix: string,
  count: number,
): Promise<Array<{ fingerprint: string; number: number }>> {
  const script = fileURLToPath(new URL("../../../support/inventory-writer.ts", import.meta.url));
  const flags = ["--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, script, directory, prefix, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const lines: string[] = [];
  for await (const chunk of child.stdout) lines.push(String(chunk));
  expect(await exited).toBe(0);
  return lines
    .join("")
    .trim()
    .split("\n")
    .map((line) => {
      const printed: { fingerprint: string; number: number } = JSON.parse(line);
      return printed;
    });
}
