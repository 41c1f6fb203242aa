import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExitCode } from "../../cli/errors.ts";
import { catalogue } from "../../mitm/catalogue/index.ts";
import { runFromJson } from "../../mitm/report/json.ts";
import type { RunReport } from "../../mitm/report/run-report.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";

/*
 * The whole catalogue against our own gateway, device client and the path between, as a user runs it; and the lab on
 * itself.
 */

/** Cases that say nothing about Sallyport, because it lacks what they attack. Whatever else does not apply is a mistake. */
const notApplicable: Readonly<Record<string, RegExp>> = {
  "D-CERT-26a/tls": /asks for no OCSP response/,
  "D-CERT-26b/tls": /asks for no OCSP response/,
  "D-CERT-26c/tls": /asks for no OCSP response/,
  "M-13a/tls": /does not speak MQTT 5/,
  "M-13b/tls": /does not speak MQTT 5/,
  "P-14b/tls": /offers no protocol by ALPN/,
  "U-35b/dtls": /no connection id was agreed on/,
};

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-mitm-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("sallyport mitm own", () => {
  let result: CliResult;
  let report: RunReport;

  beforeAll(async () => {
    const at = (name: string) => join(directory, name);
    const files = ["--junit", at("junit.xml"), "--sarif", at("mitm.sarif"), "--html", at("report.html")];
    result = await runCli(["mitm", "own", "--json", "--bundle", at("evidence"), ...files]);
    report = runFromJson(result.stdout, "stdout");
  }, 240_000);

  test("tries every case of the catalogue", () => {
    const cases = catalogue.flatMap(({ id, transports }) =>
      transports.map((transport) => `${id}/${transport}`),
    );
    expect(report.cases.map(({ id }) => id).toSorted()).toEqual(cases.toSorted());
    expect(report.interrupted).toBeUndefined();
    expect(report.notes).toEqual([]);
  });

  test("every case that applies is held", () => {
    const others = report.cases
      .filter(({ verdict }) => verdict !== "held" && verdict !== "not applicable")
      .map(({ id, verdict, how }) => `${id} ${verdict}: ${how}`);
    expect(others).toEqual([]);
    expect(result.exitCode).toBe(ExitCode.ok);
  });

  test("what does not apply is known, and why", () => {
    const found = report.cases.filter(({ verdict }) => verdict === "not applicable");
    expect(found.map(({ id }) => id).toSorted()).toEqual(Object.keys(notApplicable).toSorted());
    for (const { id, how } of found) expect(how).toMatch(notApplicable[id] ?? /unreachable/);
  });

  test("each that is held has a receipt, a valid twin, and leaked nothing", () => {
    for (const one of report.cases.filter(({ verdict }) => verdict === "held")) {
      expect(one.delivery, one.id).toBeDefined();
      expect(one.control.ok, one.id).toBe(true);
      expect(one.leakedBytes, one.id).toBe(0);
      expect(one.steps.length, one.id).toBeGreaterThan(0);
    }
  });

  test("the JUnit file has a test for each case, and no failure", () => {
    const text = readFileSync(join(directory, "junit.xml"), "utf8");
    expect([...text.matchAll(/<testcase /g)]).toHaveLength(report.cases.length);
    expect(text).not.toContain("<failure");
  });

  test("the evidence reads back as the same run, and holds no private key", () => {
    const text = readFileSync(join(directory, "evidence", "run.json"), "utf8");
    expect(runFromJson(text, "run.json").summary).toEqual(report.summary);
    expect(text).not.toContain("PRIVATE KEY");
  });
});

describe("sallyport mitm self-test", () => {
  test("every weak twin is found, and every strict one held", { timeout: 300_000 }, async () => {
    const result = await runCli(["mitm", "self-test", "--json"]);
    const cases = catalogue.reduce((sum, { transports }) => sum + transports.length, 0);
    expect(JSON.parse(result.stdout)).toEqual({
      killRate: { detected: cases, total: cases, missed: [] },
      notHeld: [],
    });
    expect(result.exitCode).toBe(ExitCode.ok);
  });
});

test("little patience leaves cases undecided, and makes none broken", async () => {
  const rows = ["M-07a", "M-08b", "M-10a", "M-10b", "P-20d"].flatMap((id) => ["--case", id]);
  const { stdout } = await runCli(["mitm", "own", ...rows, "--patience", "50", "--json"]);
  expect(runFromJson(stdout, "stdout").cases.filter(({ verdict }) => verdict === "broken")).toEqual([]);
});
