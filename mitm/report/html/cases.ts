import type { Step } from "../../record/recorder.ts";
import { duration } from "../printable.ts";
import { type CaseReport, type RunReport, verdicts } from "../run-report.ts";
import { evidence } from "./finding.ts";
import { html, type Markup } from "./markup.ts";
import { badge, command, sideNames, transportNames } from "./words.ts";

/** Of a longer exchange the page has the beginning and the end; the transcript has all of it. */
const maxSteps = 60;

/** Every case of the run, folded up. */
export function casesSection(report: RunReport, anchors: ReadonlyMap<CaseReport, string>): Markup {
  const sides = [...new Set(report.cases.map(({ side }) => side))];
  return html`<section id="cases"><h2>All cases</h2>
<form id="filter" hidden>
<label>Text <input name="text" type="search" autocomplete="off" placeholder="id, title, clause"></label>
<label>Verdict <select name="verdict"><option value="">all</option>${verdicts.map((verdict) => html`<option>${verdict}</option>`)}</select></label>
<label>Side <select name="side"><option value="">all</option>${sides.map((side) => html`<option value="${side}">${sideNames[side]}</option>`)}</select></label>
<label>Transport <select name="transport"><option value="">all</option><option value="tls">TLS</option><option value="dtls">DTLS</option></select></label>
<button type="reset">Clear</button><button type="button" id="open-all">Unfold or fold</button>
<output id="shown"></output>
</form>
${report.cases.map((one) => oneCase(one, anchors.get(one) ?? ""))}
</section>`;
}

function oneCase(one: CaseReport, anchor: string): Markup {
  const text = `${one.id} ${one.title} ${one.weakness.name} ${one.reference.rfc.join(" ")} ${one.reference.cwe.map((id) => `CWE-${id}`).join(" ")}`;
  return html`<details class="case" id="${anchor}" data-verdict="${one.verdict}" data-side="${one.side}" data-transport="${one.transport}" data-text="${text.toLowerCase()}">
<summary>${badge(one.verdict)} <span class="id">${one.id}</span> <span class="title">${one.title}</span> <span class="took">${duration(one.durationMs)}</span></summary>
<div class="inside">
<p>${one.how}</p>
<p class="place">${sideNames[one.side]} over ${transportNames[one.transport]}; severity if broken: ${one.severity}. ${one.verdict === "broken" && html`<a href="#finding-${anchor}">The finding</a>`}</p>
${evidence(one)}
${stepList(one.steps)}
<p>${command(one.replay)}</p>
</div></details>`;
}

function stepList(steps: readonly Step[]): Markup | false {
  if (steps.length === 0) return false;
  if (steps.length <= maxSteps) return html`<ol class="steps">${steps.map(stepLine)}</ol>`;
  const first = steps.slice(0, maxSteps / 2);
  const last = steps.slice(-maxSteps / 2);
  return html`<ol class="steps">${first.map(stepLine)}<li class="gap">${steps.length - maxSteps} steps left out: the transcript has them</li>${last.map(stepLine)}</ol>`;
}

function stepLine(step: Step): Markup {
  const bytes = step.bytes === undefined ? "" : `, ${step.bytes} bytes`;
  return html`<li${step.attack === true && html` class="attack"`}><span class="time">${step.atMs.toFixed(1)} ms</span> <span class="ends">#${step.connection} ${step.from} → ${step.to}</span> <span class="what">${step.attack === true && html`<b>attack</b> `}${step.what}${bytes}${step.note !== undefined && html` <i>${step.note}</i>`}</span></li>`;
}
