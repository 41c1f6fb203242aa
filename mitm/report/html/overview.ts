import type { Side } from "../../attack.ts";
import { byReason, headline } from "../order.ts";
import { count, duration } from "../printable.ts";
import {
  type CaseReport,
  type RunReport,
  summarise,
  type TargetReport,
  type Verdict,
  verdicts,
} from "../run-report.ts";
import { html, type Markup } from "./markup.ts";
import {
  attackerPlaces,
  badge,
  command,
  sideNames,
  transportNames,
  verdictClasses,
  verdictMeanings,
  verdictSigns,
} from "./words.ts";

const toneSigns = { broken: "✕", doubt: "?", held: "✓" } as const;

/** Who was attacked, when and how, and what it comes to. */
export function header(report: RunReport): Markup {
  const { tone, text } = headline(report);
  const names = [...new Set(report.targets.map(({ name }) => name))].join(" · ");
  return html`<header>
<p class="kicker">Man-in-the-middle test report</p>
<h1>${names === "" ? "No target" : names}</h1>
<div class="verdict ${tone}"><span class="sign" aria-hidden="true">${toneSigns[tone]}</span><p>${text.charAt(0).toUpperCase() + text.slice(1)}.</p></div>
${report.interrupted !== undefined && html`<div class="callout doubt"><strong>The run ended before all cases had been tried:</strong> ${report.interrupted}</div>`}
<dl class="facts">
<div><dt>Started</dt><dd><time datetime="${report.startedAt}">${when(report.startedAt)}</time></dd></div>
<div><dt>Took</dt><dd>${duration(report.durationMs)}</dd></div>
<div><dt>Tool</dt><dd>${report.tool.name} ${report.tool.version}</dd></div>
<div><dt>Seed</dt><dd><code>${report.seed}</code></dd></div>
<div class="whole"><dt>To run it again</dt><dd>${command(report.command)}</dd></div>
</dl>
</header>`;
}

/** The counts, each side's part in them, and what they can be trusted for. */
export function overview(report: RunReport): Markup {
  return html`<section id="summary"><h2>Summary</h2>
<ul class="tiles">${verdicts.map((verdict) => html`<li class="tile ${verdictClasses[verdict]}${report.summary[verdict] === 0 && " zero"}"><b>${report.summary[verdict]}</b><span><span aria-hidden="true">${verdictSigns[verdict]}</span> ${verdict}</span></li>`)}</ul>
<div class="sides">${report.targets.map((target) => side(report, target))}</div>
${trust(report)}
${report.notes.length > 0 && html`<div class="callout"><strong>Read this first</strong><ul>${report.notes.map((note) => html`<li>${note}</li>`)}</ul></div>`}
</section>`;
}

function side(report: RunReport, target: TargetReport): Markup {
  const cases = report.cases.filter((one) => one.side === target.side);
  const { tone, text } = headline({ summary: summarise(cases) });
  const rows = (["tls", "dtls"] as const)
    .map((transport) => ({ transport, cases: cases.filter((one) => one.transport === transport) }))
    .filter((row) => row.cases.length > 0);
  return html`<article class="side">
<h3>${sideNames[target.side]}</h3>
<p class="who">${target.name}</p>
<p class="where">${target.endpoints.map((endpoint) => html`<code>${endpoint}</code> `)}</p>
<p class="tone ${tone}"><span aria-hidden="true">${toneSigns[tone]}</span> ${text}</p>
<p class="place">Here ${attackerPlaces[target.side]}.</p>
${rows.map((row) => html`<div class="transport"><span>${transportNames[row.transport]}</span>${bar(row.cases)}<span>${row.cases.length}</span></div>`)}
</article>`;
}

/** A bar as wide as the card, cut by verdict. */
function bar(cases: readonly CaseReport[]): Markup {
  const counts = summarise(cases);
  const parts = verdicts.filter((verdict) => counts[verdict] > 0);
  const label = parts.map((verdict) => `${counts[verdict]} ${verdict}`).join(", ");
  let x = 0;
  const drawn = parts.map((verdict) => {
    const width = (100 * counts[verdict]) / cases.length;
    const part = html`<rect class="${verdictClasses[verdict]}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="10"><title>${counts[verdict]} ${verdict}</title></rect>`;
    x += width;
    return part;
  });
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${label}">${drawn}</svg>`;
}

/** What stands behind the verdicts: the numbers that a sceptic asks for. */
function trust(report: RunReport): Markup {
  const judged = report.cases.filter(({ verdict }) => verdict === "held" || verdict === "broken");
  const held = report.cases.filter(({ verdict }) => verdict === "held");
  const controlled = judged.filter(({ control }) => control.ok).length;
  const delivered = held.filter(({ delivery }) => delivery !== undefined).length;
  const leaked = report.cases.reduce((sum, { leakedBytes }) => sum + leakedBytes, 0);
  const { killRate } = report;
  const rate =
    killRate === undefined || killRate.total === 0
      ? 100
      : Math.floor((100 * killRate.detected) / killRate.total);
  return html`<div class="trust"><h3>What stands behind the verdicts</h3><ul>
<li><b>${controlled} of ${judged.length}</b> judged cases have a valid twin that got through: an honest peer that does the same without the attack.</li>
<li><b>${delivered} of ${held.length}</b> held cases have a delivery receipt: it is on record that the attack reached the target.</li>
<li><b>${count(leaked, "byte")}</b> of application data were given to peers that had to be refused.</li>
<li>${killRate === undefined ? html`This run did not test the lab itself: <code>npx sallyport mitm self-test</code> does.` : html`<b>${killRate.detected} of ${killRate.total}</b> deliberately weak targets were found out by the lab's self-test (${rate} %).`}${killRate !== undefined && killRate.missed.length > 0 && html` <span class="missed">Missed: ${killRate.missed.map((id) => html`<code>${id}</code> `)}</span>`}</li>
</ul></div>`;
}

/** What nobody should take for tested, by reason. */
export function untested(report: RunReport): Markup {
  const groups: readonly (readonly [Verdict, string])[] = [
    ["not delivered", "The attack did not arrive"],
    ["inconclusive", "Could not be judged"],
    ["not applicable", "Does not apply"],
  ];
  const parts = groups
    .map(([verdict, title]) => ({ verdict, title, reasons: byReason(report, verdict) }))
    .filter(({ reasons }) => reasons.length > 0);
  return html`<section id="untested"><h2>What was not tested</h2>
${parts.length === 0 ? html`<p>Every case of the run was judged.</p>` : html`<p class="lead">Nothing follows from these about the target.</p>`}
${parts.map(({ verdict, title, reasons }) => html`<h3>${title} ${badge(verdict)}</h3><ul class="reasons">${reasons.map(({ how, cases }) => html`<li><p>${how}</p>${cases.length > 12 ? html`<details><summary>${count(cases.length, "case")}</summary>${chips(cases)}</details>` : chips(cases)}</li>`)}</ul>`)}
</section>`;
}

function chips(cases: readonly CaseReport[]): Markup {
  return html`<p class="chips">${cases.map(({ id, title }) => html`<span class="chip none" title="${title}">${id}</span> `)}</p>`;
}

/** What the words of the report mean, and what lies beside it. */
export function legend(report: RunReport): Markup {
  const sides = new Set<Side>(report.targets.map(({ side }) => side));
  return html`<section id="legend"><h2>How to read this</h2>
<dl class="legend">${verdicts.map((verdict) => html`<div><dt>${badge(verdict)}</dt><dd>${verdictMeanings[verdict]}</dd></div>`)}</dl>
<h3>The evidence folder</h3>
<p>${report.cases.some(({ files }) => files.length > 0) ? "This page is one file of a folder. Beside it lie" : "A run that is asked for its evidence leaves a folder with"} <code>run.json</code> (everything on this page, for programs), <code>junit.xml</code> and <code>results.sarif</code> (for build servers and code scanners), <code>transcripts/</code> and <code>certificates/</code> (by case), <code>capture.pcapng</code> (every byte over the lab's sockets) and <code>keys.log</code> (the session keys).</p>
<p>The capture holds its keys and opens decrypted in Wireshark. Each case is an interface of its own:</p>
<pre><code>tshark -r capture.pcapng -Y 'frame.interface_name == "${report.cases[0]?.id ?? "G-CERT-01/tls"}"'${sides.has("gateway") && " -d tls.port==8883,mqtt"}</code></pre>
<p>IP headers, TCP handshakes and acknowledgements in it were written by the lab, which sees what its sockets see. Session keys read all of the traffic: keep the folder as you keep a log of it.</p>
</section>`;
}

function when(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${iso.slice(0, 10)}, ${iso.slice(11, 19)} UTC`;
}
