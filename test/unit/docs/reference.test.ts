import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cliErrors } from "../../../cli/errors.ts";
import { readSettings } from "../../../cli/settings.ts";
import { deviceErrorCodes } from "../../../device-client/errors.ts";
import { dtlsErrors } from "../../../dtls/errors.ts";
import { Access } from "../../../gateway/access.ts";
import { gatewayErrorCodes, refusalReasons } from "../../../gateway/errors.ts";
import { defaultLimits } from "../../../gateway/limits.ts";
import { mitmErrors } from "../../../mitm/errors.ts";
import { pkiErrors } from "../../../pki/errors.ts";

/** The first cells of the tables below a heading, without their back-quotes. */
function firstCells(file: string, heading: RegExp): string[] {
  const text = readFileSync(new URL(`../../../docs/reference/${file}`, import.meta.url), "utf8");
  const section = text.split(/^(?=##+ )/m).find((part) => heading.test(part)) ?? "";
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((found) => found[1] ?? "");
}

/** Tables of the code and the section of the manual that lists each, both ways. */
const tables: ReadonlyArray<[file: string, heading: RegExp, codes: readonly string[]]> = [
  ["errors.md", /^## The command/, Object.keys(cliErrors)],
  ["errors.md", /^## Certificates/, Object.keys(pkiErrors)],
  ["errors.md", /^## The gateway/, Object.keys(gatewayErrorCodes)],
  ["errors.md", /^## The device client/, [...deviceErrorCodes]],
  ["errors.md", /^## DTLS/, Object.keys(dtlsErrors)],
  ["errors.md", /^## The lab/, Object.keys(mitmErrors)],
  ["events.md", /^## Reasons/, Object.keys(refusalReasons)],
  ["config.md", /^### Limits/, Object.keys(defaultLimits)],
];

describe("the reference manual and the code's tables agree, both ways", () => {
  test.each(tables)("docs/reference/%s, %s", (file, heading, codes) => {
    expect(firstCells(file, heading).toSorted()).toEqual([...codes].toSorted());
  });

  test("docs/reference/errors.md has each exit code as the code has it", () => {
    const text = readFileSync(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
    for (const [code, [exitCode]] of Object.entries(cliErrors)) {
      expect(text).toContain(`| \`${code}\` | ${exitCode} |`);
    }
  });

  test("docs/reference/errors.md has each alert as the code has it", () => {
    const text = readFileSync(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
    for (const [code, [alert]] of Object.entries(dtlsErrors)) {
      expect(text).toContain(`| \`${code}\` | ${alert === undefined ? "" : `\`${alert}\``} |`);
    }
  });

  test("docs/reference/config.md shows an access.json and a sallyport.json that are read as they stand", () => {
    const text = readFileSync(new URL("../../../docs/reference/config.md", import.meta.url), "utf8");
    const [access = "", settings = ""] = [...text.matchAll(/^```json\n([^]*?)^```$/gm)].map(
      (found) => found[1],
    );
    const member = new Access(JSON.parse(access)).rightsOf({ kind: "device", id: "p1", group: "pumps" });
    expect(member.mayPublish("groups/pumps/alarms")).toBe(true);
    expect(member.mayPublish("devices/p1/up/x")).toBe(true);
    expect(member.mayPublish("devices/p2/up/x")).toBe(false);
    const directory = mkdtempSync(join(tmpdir(), "sallyport-config-"));
    writeFileSync(join(directory, "sallyport.json"), settings);
    expect(readSettings(join(directory, "sallyport.json"))).toHaveProperty("limits.sessionsPerDevice");
    rmSync(directory, { recursive: true });
  });

  test("docs/reference/events.md has every type of event", () => {
    const source = readFileSync(new URL("../../../gateway/events.ts", import.meta.url), "utf8");
    const types = [...source.matchAll(/readonly type: "([^"]+)"/g)].map((found) => found[1] ?? "");
    expect(firstCells("events.md", /^## Types/).toSorted()).toEqual([...new Set(types)].toSorted());
  });
});
