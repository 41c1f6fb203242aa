import type { Reference, Severity } from "../attack.ts";
import { count } from "./printable.ts";
import type { CaseReport, RunReport } from "./run-report.ts";

const severities: readonly Severity[] = ["critical", "high", "medium", "low"];

/** The broken cases, worst first, else in the order of the run. */
export function findings(report: RunReport): readonly CaseReport[] {
  return report.cases
    .filter(({ verdict }) => verdict === "broken")
    .toSorted((one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity));
}

/** Cases that came to the same for the same reason: what a lost target does to a hundred cases is said once. */
export interface Group {
  readonly how: string;
  readonly cases: readonly CaseReport[];
}

/** The cases with one of these verdicts, by their reason. */
export function byReason(report: RunReport, ...wanted: readonly CaseReport["verdict"][]): readonly Group[] {
  const groups = new Map<string, CaseReport[]>();
  for (const one of report.cases) {
    if (!wanted.includes(one.verdict)) continue;
    const key = wanted.length === 1 ? one.how : `${one.verdict}: ${one.how}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups].map(([how, cases]) => ({ how, cases }));
}

/** What a run comes to, in one sentence. */
export interface Headline {
  /** `broken`: at least one rule was not kept. `doubt`: none is known to be, but not everything could be judged. */
  readonly tone: "broken" | "doubt" | "held";
  readonly text: string;
}

export function headline({ summary, interrupted }: Pick<RunReport, "summary" | "interrupted">): Headline {
  const unjudged = summary.inconclusive + summary["not delivered"];
  const doubt = unjudged === 0 ? "" : `; ${count(unjudged, "case")} could not be judged`;
  if (summary.broken > 0) {
    return {
      tone: "broken",
      text: `${count(summary.broken, "attack")} of ${tried(summary)} succeeded${doubt}`,
    };
  }
  if (summary.held + unjudged === 0) return { tone: "doubt", text: "no attack was tried" };
  if (summary.held === 0)
    return { tone: "doubt", text: `none of ${count(unjudged, "case")} could be judged` };
  if (unjudged > 0 || interrupted !== undefined) {
    return { tone: "doubt", text: `${count(summary.held, "attack")} of ${tried(summary)} held off${doubt}` };
  }
  return {
    tone: "held",
    text: `held against ${summary.held === 1 ? "the one attack" : `all ${summary.held} attacks`} that ${summary.held === 1 ? "applies" : "apply"}`,
  };
}

function tried(summary: RunReport["summary"]): number {
  return summary.broken + summary.held + summary.inconclusive + summary["not delivered"];
}

/** "RFC 5280 §6.1.3, CWE-298, EN 303 645 5.5-1, CRA Annex I(2)(d)". */
export function clauseLine(reference: Reference): string {
  return [
    ...reference.rfc,
    ...reference.cwe.map((id) => `CWE-${id}`),
    ...(reference.en303645 ?? []).map((name) => `EN 303 645 ${name}`),
    ...(reference.cra ?? []).map((name) => `CRA Annex ${name}`),
    ...(reference.also ?? []),
  ].join(", ");
}
