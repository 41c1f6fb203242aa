import { count, printable } from "./printable.ts";
import type { CaseReport, RunReport } from "./run-report.ts";
import type { Style } from "./terminal.ts";

/** A case that came to something else than before. */
interface Change {
  readonly before: CaseReport;
  readonly after: CaseReport;
}

/** Two runs of the same catalogue, or of two versions of it, case by case. Each case is in one list at most. */
export interface Comparison {
  /** Broken now, and not before. */
  readonly newlyBroken: readonly Change[];
  /** Broken before, and known to hold now. */
  readonly fixed: readonly Change[];
  /** Broken in both. */
  readonly stillBroken: readonly Change[];
  /** Another verdict, but neither of the above: "held, now inconclusive" says less than before. */
  readonly changed: readonly Change[];
  /** Cases of the earlier run that this one has not. */
  readonly missing: readonly CaseReport[];
  /** Cases that the earlier run had not, broken or not. */
  readonly added: readonly CaseReport[];
  /** How many have the verdict that they had, and are not broken. */
  readonly unchanged: number;
}

export function compareRuns(before: RunReport, after: RunReport): Comparison {
  const earlier = new Map(before.cases.map((one) => [one.id, one]));
  const newlyBroken: Change[] = [];
  const fixed: Change[] = [];
  const stillBroken: Change[] = [];
  const changed: Change[] = [];
  const added: CaseReport[] = [];
  let unchanged = 0;
  for (const one of after.cases) {
    const known = earlier.get(one.id);
    if (known === undefined) {
      added.push(one);
      continue;
    }
    const change = { before: known, after: one };
    if (known.verdict === one.verdict) {
      if (one.verdict === "broken") stillBroken.push(change);
      else unchanged += 1;
    } else if (one.verdict === "broken") newlyBroken.push(change);
    else if (known.verdict === "broken" && one.verdict === "held") fixed.push(change);
    else changed.push(change);
  }
  const present = new Set(after.cases.map(({ id }) => id));
  const missing = before.cases.filter(({ id }) => !present.has(id));
  return { newlyBroken, fixed, stillBroken, changed, missing, added, unchanged };
}

/** Something is broken that was not known to be: what a pipeline should stop on. */
export function isWorse({ newlyBroken, added }: Comparison): boolean {
  return newlyBroken.length > 0 || added.some(({ verdict }) => verdict === "broken");
}

/** The comparison for a terminal, worst first. */
export function comparisonToLines(comparison: Comparison, style: Style = (_, text) => text): string[] {
  const { newlyBroken, fixed, stillBroken, changed, missing, added, unchanged } = comparison;
  const lines: string[] = [];
  const list = <T>(title: string, items: readonly T[], line: (item: T) => string) => {
    if (items.length > 0) lines.push(`${title} (${items.length})`, ...items.map((item) => `  ${line(item)}`));
  };
  // A run of a few cases, held against one of all, lacks hundreds: those that were broken are worth a line each.
  const few = (title: string, cases: readonly CaseReport[], was: "" | "was ") => {
    if (cases.length <= listedCases) list(title, cases, (one) => `${name(one)}: ${was}${one.verdict}`);
    else lines.push(`${title} (${cases.length}): ${verdicts(cases)}`);
  };
  const name = ({ id, title }: CaseReport) => `${printable(id)}  ${printable(title)}`;
  const change = ({ before, after }: Change) =>
    `${name(after)}: ${before.verdict}, now ${after.verdict} (${printable(after.how)})`;
  list(style("red", "newly broken"), newlyBroken, change);
  list(
    style("red", "broken, and not in the earlier run"),
    added.filter(({ verdict }) => verdict === "broken"),
    (one) => `${name(one)}: ${printable(one.how)}`,
  );
  list(style("red", "still broken"), stillBroken, ({ after }) => `${name(after)}: ${printable(after.how)}`);
  list(style("yellow", "changed"), changed, change);
  list(
    style("yellow", "broken, and not in this run"),
    missing.filter(({ verdict }) => verdict === "broken"),
    (one) => `${name(one)}: ${printable(one.how)}`,
  );
  few(
    style("yellow", "not in this run"),
    missing.filter(({ verdict }) => verdict !== "broken"),
    "was ",
  );
  list(style("green", "fixed"), fixed, change);
  few(
    "not in the earlier run",
    added.filter(({ verdict }) => verdict !== "broken"),
    "",
  );
  lines.push(`${count(unchanged, "case")} as before`);
  return lines;
}

/** More cases than this are counted, not listed. */
const listedCases = 10;

/** "449 held, 2 not applicable" */
function verdicts(cases: readonly CaseReport[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of cases) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, times]) => `${times} ${verdict}`).join(", ");
}
