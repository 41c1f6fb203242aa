import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canonicalJson } from "../../../../pki/inventory/canonical-json.ts";
import { Inventory } from "../../../../pki/inventory/index.ts";

let directory: string;
let inventory: Inventory;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-audit-"));
  inventory = Inventory.open(directory, {
    create: true,
    actor: "tester",
    now: () => new Date(1_795_000_000_000),
  });
  for (let n = 1; n <= 5; n += 1) {
    inventory.audit.append({ action: "test.step", subject: `device/d${n}`, details: { n, ok: true } });
  }
});

afterEach(() => {
  inventory.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Changes the file the way an intruder would: past this program, its triggers taken out. */
function tamper(sql: string): void {
  const sqlite = new DatabaseSync(join(directory, "inventory.sqlite"));
  for (const row of sqlite.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()) {
    sqlite.exec(`DROP TRIGGER ${String(row["name"])}`);
  }
  sqlite.exec(sql);
  sqlite.close();
}

const broken = expect.objectContaining({ code: "PKI_AUDIT_BROKEN" });

describe("the audit log", () => {
  test("an untouched chain verifies and tells its length and head", () => {
    expect(inventory.audit.verify()).toEqual({ entries: 5, head: inventory.audit.head() });
  });

  test("entries come back in order and in ranges", () => {
    expect([...inventory.audit.entries()].map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect([...inventory.audit.entries({ from: 2, to: 3 })].map(({ subject }) => subject)).toEqual([
      "device/d2",
      "device/d3",
    ]);
    const [entry] = inventory.audit.entries();
    expect(entry).toMatchObject({ actor: "tester", action: "test.step", details: '{"n":1,"ok":true}' });
    expect(entry?.at).toEqual(new Date(1_795_000_000_000));
  });

  test("more entries than one page are read and verified", () => {
    inventory.audit.appendAll(
      Array.from({ length: 2500 }, () => ({ action: "test.many", subject: "device/x" })),
    );
    expect(inventory.audit.verify().entries).toBe(2505);
  });

  test.each([
    ["an edited entry", "UPDATE audit SET details = '{\"n\":9}' WHERE seq = 3"],
    ["an edited time", "UPDATE audit SET at = at - 1 WHERE seq = 3"],
    ["an edited actor", "UPDATE audit SET actor = 'somebody' WHERE seq = 5"],
    ["an entry taken out of the middle", "DELETE FROM audit WHERE seq = 3"],
    ["the first entry taken out", "DELETE FROM audit WHERE seq = 1"],
    ["the end cut off", "DELETE FROM audit WHERE seq = 5"],
    ["everything taken out", "DELETE FROM audit"],
    [
      "an entry slipped in",
      "INSERT INTO audit SELECT 6, at, actor, action, subject, details, prev_hash, hash FROM audit WHERE seq = 5",
    ],
    ["an entry with a new hash of its own", "UPDATE audit SET hash = printf('%064d', 0) WHERE seq = 2"],
  ])("%s is noticed", (_what, sql) => {
    tamper(sql);
    expect(() => inventory.audit.verify()).toThrow(broken);
  });

  test("a chain cut off together with its stored head is noticed by who noted a head earlier", () => {
    const known = inventory.audit.head();
    expect(inventory.audit.verify(known).entries).toBe(5);
    tamper(
      "DELETE FROM audit WHERE seq = 5; UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 4)",
    );
    expect(inventory.audit.verify().entries).toBe(4);
    expect(() => inventory.audit.verify(known)).toThrow(broken);
    inventory.audit.append({ action: "test.other", subject: "device/d5" });
    expect(inventory.audit.verify().entries).toBe(5);
    expect(() => inventory.audit.verify(known)).toThrow(broken);
  });

  test.each([
    "UPDATE audit SET actor = 'x' WHERE seq = 1",
    "DELETE FROM audit WHERE seq = 5",
    "INSERT OR REPLACE INTO audit SELECT seq, at, 'x', action, subject, details, prev_hash, hash FROM audit WHERE seq = 5",
    "INSERT INTO audit SELECT 9, at, actor, action, subject, details, prev_hash, hash FROM audit WHERE seq = 5",
    "UPDATE audit_head SET seq = 1",
    "DELETE FROM audit_head",
  ])("the database itself refuses: %s", (sql) => {
    const sqlite = new DatabaseSync(join(directory, "inventory.sqlite"));
    expect(() => sqlite.exec(sql)).toThrow(/append-only/);
    sqlite.close();
    expect(inventory.audit.verify().entries).toBe(5);
  });
});

describe("canonical JSON", () => {
  test("the order in which an object was built does not show, absent members are left out", () => {
    expect(canonicalJson({ b: 1, a: { d: [true, null], c: "é\n" }, e: undefined })).toBe(
      '{"a":{"c":"é\\n","d":[true,null]},"b":1}',
    );
  });

  test("fractions have no canonical form here and are refused", () => {
    expect(() => canonicalJson({ n: 0.5 })).toThrow(TypeError);
  });
});
