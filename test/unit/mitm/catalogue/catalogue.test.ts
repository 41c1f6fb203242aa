import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogue } from "../../../../mitm/catalogue/index.ts";
import { weaknesses } from "../../../../mitm/weaknesses/index.ts";
import { cataloguePage, cataloguePagePath } from "../../../support/mitm/catalogue-page.ts";

/** One attack a file: every file of the catalogue that begins with the id of an attack. */
const files = globSync("mitm/catalogue/*/*.ts").filter((file) =>
  /^[a-z]+(-[a-z]+)*-\d\d/.test(basename(file)),
);

describe("the catalogue", () => {
  test("has at least 120 cases", () => {
    expect(catalogue.reduce((sum, { transports }) => sum + transports.length, 0)).toBeGreaterThanOrEqual(120);
  });

  test("has no id twice", () => {
    const ids = catalogue.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test.each(files)("%s is listed, under its own id", async (file) => {
    const loaded: unknown = await import(join(process.cwd(), file));
    const attack = catalogue.find((one) => isDefaultOf(loaded, one));
    expect(attack, `${dirname(file)}/index.ts does not name it`).toBeDefined();
    expect(basename(file).startsWith(`${attack?.id.toLowerCase()}-`)).toBe(true);
  });

  test("has nothing that is not a file of its own", () => {
    expect(catalogue).toHaveLength(files.length);
  });

  test.each(catalogue.map((one) => [one.id, one] as const))(
    "%s says what it is and where the rule stands",
    (_id, one) => {
      expect(one.title).not.toMatch(/^(A|An|The) |\.$/);
      expect(one.transports.length).toBeGreaterThan(0);
      expect(one.reference.rfc.length).toBeGreaterThan(0);
      for (const clause of one.reference.rfc) expect(clause).toMatch(/^(RFC \d+|MQTT|X\.\d+|draft-[\w-]+)/);
      expect(one.reference.cwe.length).toBeGreaterThan(0);
      expect(weaknesses).toHaveProperty(one.defeats);
    },
  );

  test("has an attack for every weakness that it knows", () => {
    const found = new Set<string>(catalogue.map(({ defeats }) => defeats));
    expect(Object.keys(weaknesses).filter((name) => !found.has(name))).toEqual([]);
  });

  test("docs/reference/mitm.md lists it as it is", () => {
    expect(readFileSync(cataloguePagePath, "utf8")).toBe(cataloguePage());
  });
});

function isDefaultOf(loaded: unknown, attack: unknown): boolean {
  return typeof loaded === "object" && loaded !== null && "default" in loaded && loaded.default === attack;
}
