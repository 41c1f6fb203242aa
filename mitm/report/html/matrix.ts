import { type Clause, type ClauseSource, clauseSources, clausesOf } from "../clauses.ts";
import { count } from "../printable.ts";
import { type CaseReport, type RunReport, summarise, type Verdict, verdicts } from "../run-report.ts";
import { html, type Markup } from "./markup.ts";
import { badge, verdictClasses, verdictSigns } from "./words.ts";

interface Row {
  readonly clause: Clause;
  readonly cases: readonly CaseReport[];
}

/** Assessors begin with the regulation, engineers with the RFC: the former have less to scroll. */
const sources: readonly ClauseSource[] = ["cra", "en303645", "cwe", "rfc"];
/** More cases of a clause than this are folded up; those that are broken never are. */
const shownChips = 8;

/** For an assessor: which clauses the run touched, by which cases, and what came of them. */
export function matrix(report: RunReport, anchors: ReadonlyMap<CaseReport, string>): Markup {
  return html`<section id="clauses"><h2>Clauses</h2>
<p class="lead">Which rules the cases of this run put to the test. A clause whose cases all held was not seen broken by them; that is evidence for an assessment, not its result.</p>
${sources.map((source) => table(report, source, anchors))}
</section>`;
}

function table(
  report: RunReport,
  source: ClauseSource,
  anchors: ReadonlyMap<CaseReport, string>,
): Markup | false {
  const rows = rowsOf(report, source);
  if (rows.length === 0) return false;
  return html`<h3>${clauseSources[source]}</h3>
<table class="matrix"><thead><tr><th scope="col">Clause</th><th scope="col">Verdict</th><th scope="col">Cases</th></tr></thead><tbody>
${rows.map(({ clause, cases }) => html`<tr><th scope="row">${clause.url === undefined ? clause.name : html`<a href="${clause.url}" rel="noreferrer">${clause.name}</a>`}${clause.text !== "" && html`<span>${clause.text}</span>`}</th><td>${badge(worst(cases))}</td><td>${casesOf(cases, anchors)}</td></tr>`)}
</tbody></table>`;
}

function rowsOf(report: RunReport, source: ClauseSource): Row[] {
  const rows = new Map<string, { readonly clause: Clause; readonly cases: CaseReport[] }>();
  for (const one of report.cases) {
    for (const clause of clausesOf(one.reference, source)) {
      const row = rows.get(clause.name) ?? { clause, cases: [] };
      if (!row.cases.includes(one)) row.cases.push(one);
      rows.set(clause.name, row);
    }
  }
  const order = new Intl.Collator("en", { numeric: true });
  return [...rows.values()].toSorted((one, other) => order.compare(one.clause.name, other.clause.name));
}

function worst(cases: readonly CaseReport[]): Verdict {
  return verdicts.find((verdict) => cases.some((one) => one.verdict === verdict)) ?? "not applicable";
}

function casesOf(cases: readonly CaseReport[], anchors: ReadonlyMap<CaseReport, string>): Markup {
  const sorted = verdicts.flatMap((verdict) => cases.filter((one) => one.verdict === verdict));
  const broken = sorted.filter(({ verdict }) => verdict === "broken");
  const rest = sorted.slice(broken.length);
  const chip = (one: CaseReport) =>
    html`<a class="chip ${verdictClasses[one.verdict]}" href="#${anchors.get(one) ?? ""}" title="${one.title}: ${one.verdict}"><span aria-hidden="true">${verdictSigns[one.verdict]}</span> ${one.id}</a> `;
  if (sorted.length <= shownChips) return html`<p class="chips">${sorted.map(chip)}</p>`;
  return html`${broken.length > 0 && html`<p class="chips">${broken.map(chip)}</p>`}<details><summary>${totals(rest)}</summary><p class="chips">${rest.map(chip)}</p></details>`;
}

function totals(cases: readonly CaseReport[]): string {
  const counts = summarise(cases);
  const parts = verdicts
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]} ${verdict}`);
  return `${count(cases.length, "case")}: ${parts.join(", ")}`;
}
