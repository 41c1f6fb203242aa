import { stripVTControlCharacters, styleText } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runFromJson, runToJson } from "../../../../mitm/report/json.ts";
import { summarise } from "../../../../mitm/report/run-report.ts";
import { runToLines } from "../../../../mitm/report/terminal.ts";
import { transcript } from "../../../../mitm/report/transcript.ts";
import { anyRun } from "../../../support/mitm/any-run.ts";
import { brokenRun, interruptedRun, sampleCase, sampleRun } from "../../../support/mitm/sample-runs.ts";

const control = /[\p{Cc}\u202a-\u202e]/u;

describe("the run on a terminal", () => {
  test("broken cases come first, worst first, with what to do and the command that shows it again", () => {
    const lines = runToLines(brokenRun());
    const broken = lines.filter((line) => line.startsWith("BROKEN"));
    expect(broken.map((line) => line.split("  ")[1])).toEqual([
      "D-CERT-07/tls",
      "G-CERT-05/tls",
      "M-01/tls",
      "U-07/dtls",
    ]);
    expect(lines).toContain("  remedy  Check it, and refuse.");
    expect(lines).toContain(
      "  again   sallyport mitm device 127.0.0.1:8883 --case D-CERT-07/tls --seed 7f3a9c",
    );
    expect(lines.findIndex((line) => line.includes("could not be judged"))).toBeGreaterThan(
      lines.indexOf(broken.at(-1) ?? ""),
    );
    expect(lines.at(-1)).toBe("4 attacks of 19 succeeded; 2 cases could not be judged");
    expect(lines.at(-2)).toBe("!!  self-test: 142 of 143 weak twins found out (99 %); missed: U-33b/dtls");
  });

  test("a run that held says so in a few lines", () => {
    const lines = runToLines(sampleRun());
    expect(lines.length).toBeLessThan(10);
    expect(lines.at(-1)).toBe("held against all 21 attacks that apply");
  });

  test("what a lost target did to many cases is said once", () => {
    const lines = runToLines(interruptedRun());
    expect(lines.filter((line) => line.includes("not tried"))).toHaveLength(1);
    expect(lines.join("\n")).toMatch(/and\s+7 more: inconclusive: not tried: interrupted/);
    expect(lines).toContain("ended early   SIGINT after 8 of 22 cases");
  });

  test("nothing tried is no success", () => {
    expect(runToLines(sampleRun({ cases: [] })).at(-1)).toBe("no attack was tried");
    const cases = [sampleCase({ verdict: "not applicable" })];
    expect(runToLines(sampleRun({ cases, summary: summarise(cases) })).at(-1)).toBe("no attack was tried");
  });

  test("colours come from the style alone, and change no line", () => {
    const plain = runToLines(brokenRun());
    const coloured = runToLines(brokenRun(), {
      style: (format, text) => styleText(format, text, { validateStream: false }),
    });
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(plain);
    expect(coloured).not.toEqual(plain);
  });

  test("no line is wider than asked for, but for what is there to be copied", () => {
    const lines = runToLines(brokenRun(), { columns: 60 }).filter(
      (line) => line.includes(" ") && !line.includes("again"),
    );
    for (const line of lines.filter((text) => text.startsWith("  ")))
      expect(line.length, line).toBeLessThanOrEqual(60);
  });

  test("any run is lines without control characters", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        for (const line of runToLines(run)) expect(line).not.toMatch(control);
        for (const one of run.cases)
          for (const line of transcript(one).split("\n")) expect(line).not.toMatch(control);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the run document", () => {
  test("any run is read back as it was", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        expect(runFromJson(runToJson(run), "run.json")).toEqual(run);
      }),
      { numRuns: 60 },
    );
  });
});
