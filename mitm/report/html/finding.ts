import { clauseSources, clausesOf } from "../clauses.ts";
import { findings } from "../order.ts";
import { count, duration } from "../printable.ts";
import type { CaseReport, RunReport } from "../run-report.ts";
import { html, type Markup, relativeUrl } from "./markup.ts";
import { sequenceDiagram } from "./sequence-diagram.ts";
import { command, sideNames, transportNames } from "./words.ts";

const sources = ["rfc", "cwe", "en303645", "cra", "also"] as const;

/** So many findings are laid out in full; of the rest, what is long is folded up. */
const unfolded = 12;

/** What is broken: for each case what happened, what it means, what to do, and the rules that it touches. */
export function findingsSection(report: RunReport, anchors: ReadonlyMap<CaseReport, string>): Markup {
  const broken = findings(report);
  const anchor = (one: CaseReport) => anchors.get(one) ?? "";
  return html`<section id="findings"><h2>Findings <span class="count">${broken.length}</span></h2>
${broken.length === 0 && html`<p class="lead">No attack of this run succeeded.</p>`}
${broken.length > 1 && glance(broken, anchor)}
${broken.map((one, index) => finding(one, anchor(one), index >= unfolded))}
</section>`;
}

/** Several attacks may show that the same check is missing: what has to be built is told by check. */
function glance(broken: readonly CaseReport[], anchor: (one: CaseReport) => string): Markup {
  const checks = new Map<string, CaseReport[]>();
  for (const one of broken) {
    const cases = checks.get(one.weakness.name);
    if (cases === undefined) checks.set(one.weakness.name, [one]);
    else cases.push(one);
  }
  return html`<p class="lead">${count(checks.size, "missing check")} behind ${count(broken.length, "attack")} that succeeded.</p>
<table class="matrix glance"><thead><tr><th scope="col">Severity</th><th scope="col">Missing check</th><th scope="col">Shown by</th></tr></thead><tbody>
${[...checks.values()].map(
  (cases) =>
    html`<tr><td><span class="severity ${cases[0]?.severity}">${cases[0]?.severity}</span></td><td>${cases[0]?.weakness.what}</td><td><p class="chips">${cases.map((one) => html`<a class="chip broken" href="#finding-${anchor(one)}" title="${one.title}">${one.id}</a> `)}</p></td></tr>`,
)}
</tbody></table>`;
}

function finding(one: CaseReport, anchor: string, folded: boolean): Markup {
  return html`<article class="finding" id="finding-${anchor}">
<header><p><span class="severity ${one.severity}">${one.severity}</span> <span class="id">${one.id}</span> <span class="tag">${sideNames[one.side]}</span> <span class="tag">${transportNames[one.transport]}</span></p>
<h3>${one.title}</h3></header>
${folded ? html`<p>${one.how}</p><details><summary>What it means, what to do, and the evidence</summary>${body(one)}</details>` : body(one)}
</article>`;
}

function body(one: CaseReport): Markup {
  return html`<div class="columns">
<div class="text">
<h4>What was seen</h4><p>${one.how}</p>
${one.leakedBytes > 0 && html`<p class="leak">${count(one.leakedBytes, "byte")} of application data went to the attacker.</p>`}
<h4>What it means</h4><p>${one.weakness.what}</p>
<h4>What to do</h4><p>${one.weakness.remedy}</p>
<h4>Evidence</h4>${evidence(one)}
<h4>To see it again</h4><p>${command(one.replay)}</p>
</div>
<figure>${one.steps.length === 0 ? html`<p class="lead">Nothing was said.</p>` : html`${picture(one)}<figcaption>The exchange as the lab recorded it; ⚡ marks the attack.</figcaption>`}</figure>
</div>
${clauseTable(one)}`;
}

function picture(one: CaseReport): Markup {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Sequence diagram">${sequenceDiagram(one.steps, `Sequence diagram of ${one.id}: ${one.title}`)}</div>`;
}

/** The marks of a case that tell whether its verdict can be believed, and where to look on. */
export function evidence(one: CaseReport): Markup {
  const rows: readonly (readonly [string, Markup | string | undefined])[] = [
    ["delivered", one.delivery ?? "not known"],
    ["refused at", one.refusedAt],
    ["alert", one.alert],
    ["then", one.next],
    [
      "valid twin",
      `${one.control.ok ? "got through" : "did not get through"}: ${one.control.how} (${duration(one.control.ms)})`,
    ],
    ["leaked", count(one.leakedBytes, "byte")],
    ["took", duration(one.durationMs)],
    ["missing check", one.verdict === "broken" ? html`<code>${one.weakness.name}</code>` : undefined],
    ["files", one.files.length === 0 ? undefined : fileLinks(one.files)],
  ];
  return html`<dl class="evidence">${rows.map(([name, value]) => value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Each file by its name; where they are many in one folder, the folder. */
function fileLinks(files: readonly string[]): Markup {
  const folders = new Map<string, string[]>();
  for (const file of files) {
    const folder = file.slice(0, file.lastIndexOf("/") + 1);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const link = (path: string, text: string) => html`<a class="file" href="${relativeUrl(path)}">${text}</a> `;
  return html`${[...folders].map(([folder, inside]) =>
    inside.length <= 2
      ? inside.map((file) => link(file, file))
      : link(folder, `${folder} (${inside.length})`),
  )}`;
}

function clauseTable(one: CaseReport): Markup {
  const rows = sources.map((source) => ({ source, clauses: clausesOf(one.reference, source) }));
  return html`<dl class="clauses">${rows.map(({ source, clauses }) => clauses.length > 0 && html`<div><dt>${clauseSources[source]}</dt><dd>${clauses.map(({ name, text, url }) => html`<span class="clause">${url === undefined ? html`<b>${name}</b>` : html`<a href="${url}" rel="noreferrer">${name}</a>`}${text !== "" && html` ${text}`}</span>`)}</dd></div>`)}</dl>`;
}
