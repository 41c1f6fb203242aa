import { clauseSources, clausesOf } from "../clauses.ts";
import { findings } from "../order.ts";
import { count, duration } from "../printable.ts";
import type { CaseReport, RunReport } from "../run-report.ts";
import { html, type Markup, relativeUrl } from "./markup.ts";
import { sequenceDiagram } from "./sequence-diagram.ts";
import { command, sideNames, transportNames } from "./words.ts";

const sources = ["rfc", "cwe", "en303645", "cra", "also"] as const;

/** What is broken: for each case what happened, what it means, what to do, and the rules that it touches. */
export function findingsSection(report: RunReport, anchors: ReadonlyMap<CaseReport, string>): Markup {
  const broken = findings(report);
  return html`<section id="findings"><h2>Findings <span class="count">${broken.length}</span></h2>
${broken.length === 0 ? html`<p class="lead">No attack of this run succeeded.</p>` : broken.map((one) => finding(one, anchors.get(one) ?? ""))}
</section>`;
}

function finding(one: CaseReport, anchor: string): Markup {
  return html`<article class="finding" id="finding-${anchor}">
<header><p><span class="severity ${one.severity}">${one.severity}</span> <span class="id">${one.id}</span> <span class="tag">${sideNames[one.side]}</span> <span class="tag">${transportNames[one.transport]}</span></p>
<h3>${one.title}</h3></header>
<div class="columns">
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
${clauseTable(one)}
</article>`;
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
    [
      "files",
      one.files.length === 0
        ? undefined
        : html`${one.files.map((file) => html`<a class="file" href="${relativeUrl(file)}">${file}</a> `)}`,
    ],
  ];
  return html`<dl class="evidence">${rows.map(([name, value]) => value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function clauseTable(one: CaseReport): Markup {
  const rows = sources.map((source) => ({ source, clauses: clausesOf(one.reference, source) }));
  return html`<dl class="clauses">${rows.map(({ source, clauses }) => clauses.length > 0 && html`<div><dt>${clauseSources[source]}</dt><dd>${clauses.map(({ name, text, url }) => html`<span class="clause">${url === undefined ? html`<b>${name}</b>` : html`<a href="${url}" rel="noreferrer">${name}</a>`}${text !== "" && html` ${text}`}</span>`)}</dd></div>`)}</dl>`;
}
