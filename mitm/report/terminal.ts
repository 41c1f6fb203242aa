import { stripVTControlCharacters } from "node:util";
import type { Severity } from "../attack.ts";
import { byReason, clauseLine, findings, headline } from "./order.ts";
import { count, duration, printable } from "./printable.ts";
import type { CaseReport, RunReport, Verdict } from "./run-report.ts";

/** Formats that the lines use; what gives them colour is the caller's. */
type Format = "red" | "green" | "yellow" | "cyan" | "bold" | "dim";
export type Style = (format: Format, text: string) => string;

export interface LinesOptions {
  /** Default: no colours. */
  readonly style?: Style | undefined;
  /** Where lines are broken; default 100. */
  readonly columns?: number | undefined;
}

const severityFormats: Readonly<Record<Severity, Format>> = {
  critical: "red",
  high: "red",
  medium: "yellow",
  low: "cyan",
};
/** So many ids of a group are named. */
const namedIds = 6;

/**
 * The run for a terminal: what is broken first, each with what was seen, what to do and the command that shows it again;
 * then what could not be judged, and why; then the counts. Line ends are the caller's.
 */
export function runToLines(report: RunReport, options: LinesOptions = {}): string[] {
  const paper = new Paper(options);
  const { style } = paper;
  const sides = new Set(report.cases.map((one) => one.side));
  for (const { side, name, endpoints } of report.targets.filter((one) => sides.has(one.side))) {
    paper.fact(style("dim", side.padEnd(9)), [name, ...endpoints].join("  "), 10);
  }
  paper.line(
    style(
      "dim",
      `${printable(report.tool.name)} ${printable(report.tool.version)}, seed ${printable(report.seed)}, ${duration(report.durationMs)}`,
    ),
  );
  for (const one of findings(report)) {
    paper.line("");
    finding(paper, one);
  }
  groups(paper, report, "could not be judged", "yellow", "not delivered", "inconclusive");
  groups(paper, report, "do not apply", "dim", "not applicable");
  paper.line("");
  for (const note of report.notes) paper.fact(style("yellow", "note"), note, 8);
  if (report.interrupted !== undefined) paper.fact(style("yellow", "ended early"), report.interrupted, 14);
  const { tone, text } = headline(report);
  const said = { broken: "red", doubt: "yellow", held: "green" } as const;
  paper.line(counts(report, style));
  if (report.killRate !== undefined) selfTest(paper, report.killRate);
  paper.line(style("bold", style(said[tone], text)));
  return paper.lines;
}

function finding(paper: Paper, one: CaseReport): void {
  const { style } = paper;
  paper.line(
    `${style(severityFormats[one.severity], `BROKEN ${one.severity}`)}  ${style("bold", printable(one.id))}  ${printable(one.title)}`,
  );
  const leaked =
    one.leakedBytes === 0 ? "" : ` (${count(one.leakedBytes, "byte")} of application data leaked)`;
  paper.fact("  seen", `${one.how}${leaked}`, 10);
  if (one.next !== undefined) paper.fact("  then", one.next, 10);
  paper.fact("  means", one.weakness.what, 10);
  paper.fact("  remedy", one.weakness.remedy, 10);
  paper.fact("  rules", clauseLine(one.reference), 10);
  // Not broken into lines: it is there to be copied.
  paper.line(`${style("dim", "  again")}   ${printable(one.replay)}`);
}

function groups(
  paper: Paper,
  report: RunReport,
  title: string,
  format: Format,
  ...verdicts: readonly Verdict[]
): void {
  const reasons = byReason(report, ...verdicts);
  if (reasons.length === 0) return;
  const total = reasons.reduce((sum, { cases }) => sum + cases.length, 0);
  paper.line("");
  paper.line(paper.style(format, `${count(total, "case")} ${title}`));
  for (const { how, cases } of reasons) {
    const ids = cases.slice(0, namedIds).map(({ id }) => id);
    const more = cases.length > namedIds ? ` and ${cases.length - namedIds} more` : "";
    paper.fact("  -", `${ids.join(", ")}${more}: ${how}`, 4);
  }
}

function counts({ summary, durationMs }: RunReport, style: Style): string {
  const part = (verdict: Verdict, format: Format) =>
    summary[verdict] === 0
      ? `${summary[verdict]} ${verdict}`
      : style(format, `${summary[verdict]} ${verdict}`);
  const parts = [
    part("broken", "red"),
    part("not delivered", "yellow"),
    part("inconclusive", "yellow"),
    part("held", "green"),
    `${summary["not applicable"]} not applicable`,
  ];
  return `${parts.join(", ")}, in ${duration(durationMs)}`;
}

function selfTest(paper: Paper, { detected, total, missed }: NonNullable<RunReport["killRate"]>): void {
  const good = detected === total;
  const rate = total === 0 ? 100 : Math.floor((100 * detected) / total);
  const names = missed.length === 0 ? "" : `; missed: ${missed.join(", ")}`;
  const text = `self-test: ${detected} of ${total} weak twins found out (${rate} %)${names}`;
  paper.fact(paper.style(good ? "green" : "red", good ? "ok" : "!!"), text, 4);
}

/** Lines of at most so many columns, whatever a target wrote into them. */
class Paper {
  readonly lines: string[] = [];
  readonly style: Style;
  readonly #columns: number;

  constructor({ style = (_, text) => text, columns = 100 }: LinesOptions) {
    this.style = style;
    this.#columns = Math.max(40, columns);
  }

  line(text: string): void {
    this.lines.push(text);
  }

  /** `label`, and from column `indent` on the text, on as many lines as it needs. */
  fact(label: string, text: string, indent: number): void {
    const [first = "", ...rest] = wrapped(printable(text), this.#columns - indent);
    // The label may hold colours, which take no column.
    const shown = stripVTControlCharacters(label);
    this.lines.push(`${label}${" ".repeat(Math.max(1, indent - shown.length))}${first}`);
    for (const line of rest) this.lines.push(" ".repeat(indent) + line);
  }
}

/** Broken between words; a word that is too long is left as it is, since it may be a command to copy. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
