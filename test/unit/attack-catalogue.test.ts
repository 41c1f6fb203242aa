import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";

/** Every row of the catalogue that concerns certificates at the gateway, TLS, and MQTT identity. */
const catalogue = [...numbered("G-CERT", 20), ...numbered("M", 13), ...numbered("P", 23)];

const rows = new Map(
  [...readFileSync("test/attack/README.md", "utf8").matchAll(/^\| ([A-Z-]+-\d+) \| .+ \| (.+) \|$/gm)].map(
    ([, id = "", where = ""]) => [id, where] as const,
  ),
);

const titles = globSync("test/attack/*.test.ts").flatMap((path) => {
  const file = basename(path, ".test.ts");
  return idsIn(readFileSync(path, "utf8")).map((id) => ({ id, file }));
});

describe("test/attack/README.md", () => {
  test("has each row of the catalogue once, and no other", () => {
    expect([...rows.keys()]).toEqual(catalogue);
  });

  test.each(catalogue)("%s has tests in the files that its row names and in no other, or a reason", (id) => {
    const where = rows.get(id) ?? "";
    const named = where.startsWith("None: ") ? [] : where.split(", ");
    const found = new Set(titles.filter((title) => title.id === id).map(({ file }) => file));
    expect([...found].toSorted()).toEqual(named.toSorted());
  });

  test("each title's id is in the catalogue", () => {
    expect(titles.filter(({ id }) => !rows.has(id))).toEqual([]);
  });
});

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${String(at + 1).padStart(2, "0")}`);
}

/** The ids that strings of a file begin with: "M-07, M-08: ...", "P-01, valid twin: ...". */
function idsIn(source: string): string[] {
  const beginnings = source.matchAll(/["'`]((?:(?:G-CERT|M|P)-\d+, )*(?:G-CERT|M|P)-\d+)[:,]/g);
  return [...beginnings].flatMap(([, ids = ""]) => ids.split(", "));
}
