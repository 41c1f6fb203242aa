import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareRuns, comparisonToLines, isWorse } from "../../../../mitm/report/compare.ts";
import type { Verdict } from "../../../../mitm/report/run-report.ts";
import { anyRun } from "../../../support/mitm/any-run.ts";
import { brokenRun, sampleCase, sampleRun } from "../../../support/mitm/sample-runs.ts";

function runOf(verdicts: Readonly<Record<string, Verdict>>) {
  return sampleRun({
    cases: Object.entries(verdicts).map(([id, verdict]) =>
      sampleCase({ id, verdict, how: `how ${verdict}` }),
    ),
  });
}

const before = runOf({
  "A/tls": "held",
  "B/tls": "broken",
  "C/tls": "broken",
  "D/tls": "broken",
  "E/tls": "held",
  "F/tls": "held",
  "G/tls": "inconclusive",
});
const after = runOf({
  "A/tls": "broken",
  "B/tls": "held",
  "C/tls": "broken",
  "D/tls": "inconclusive",
  "E/tls": "not delivered",
  "G/tls": "inconclusive",
  "H/tls": "held",
  "I/tls": "broken",
});

describe("a run compared with an earlier one", () => {
  const comparison = compareRuns(before, after);
  const ids = (changes: readonly { readonly after: { readonly id: string } }[]) =>
    changes.map((change) => change.after.id);

  test("each case is in the list that it belongs to", () => {
    expect(ids(comparison.newlyBroken)).toEqual(["A/tls"]);
    expect(ids(comparison.fixed)).toEqual(["B/tls"]);
    expect(ids(comparison.stillBroken)).toEqual(["C/tls"]);
    // What is broken and can now not be judged is not fixed.
    expect(ids(comparison.changed)).toEqual(["D/tls", "E/tls"]);
    expect(comparison.missing.map(({ id }) => id)).toEqual(["F/tls"]);
    expect(comparison.added.map(({ id }) => id)).toEqual(["H/tls", "I/tls"]);
    expect(comparison.unchanged).toBe(1);
  });

  test("worse is what is newly broken, in a new case too", () => {
    expect(isWorse(comparison)).toBe(true);
    expect(isWorse(compareRuns(after, after))).toBe(false);
    expect(isWorse(compareRuns(sampleRun(), brokenRun()))).toBe(true);
    expect(isWorse(compareRuns(brokenRun(), sampleRun()))).toBe(false);
    expect(isWorse(compareRuns(runOf({}), runOf({ "I/tls": "broken" })))).toBe(true);
  });

  test("lines, worst first", () => {
    expect(comparisonToLines(comparison)).toEqual([
      "newly broken (1)",
      "  A/tls  an expired certificate: held, now broken (how broken)",
      "broken, and not in the earlier run (1)",
      "  I/tls  an expired certificate: how broken",
      "still broken (1)",
      "  C/tls  an expired certificate: how broken",
      "changed (2)",
      "  D/tls  an expired certificate: broken, now inconclusive (how inconclusive)",
      "  E/tls  an expired certificate: held, now not delivered (how not delivered)",
      "not in this run (1)",
      "  F/tls  an expired certificate: was held",
      "fixed (1)",
      "  B/tls  an expired certificate: broken, now held (how held)",
      "not in the earlier run (1)",
      "  H/tls  an expired certificate: held",
      "1 case as before",
    ]);
  });

  test("what a run of a few cases lacks is counted, but for what was broken", () => {
    const ids = Array.from({ length: 11 }, (_, index) => `K${index}/tls`);
    const all = runOf({
      ...Object.fromEntries(ids.map((id) => [id, "held" as const])),
      "A/tls": "broken",
      "B/tls": "held",
    });
    expect(comparisonToLines(compareRuns(all, runOf({ "B/tls": "held" })))).toEqual([
      "broken, and not in this run (1)",
      "  A/tls  an expired certificate: how broken",
      "not in this run (11): 11 held",
      "1 case as before",
    ]);
  });

  test("of any two runs, each case is counted once", () => {
    fc.assert(
      fc.property(anyRun, anyRun, (one, other) => {
        const { newlyBroken, fixed, stillBroken, changed, missing, added, unchanged } = compareRuns(
          one,
          other,
        );
        const both = newlyBroken.length + fixed.length + stillBroken.length + changed.length + unchanged;
        expect(both + added.length).toBe(other.cases.length);
        expect(both + missing.length).toBe(one.cases.length);
        for (const line of comparisonToLines(compareRuns(one, other))) expect(line).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 60 },
    );
  });
});
