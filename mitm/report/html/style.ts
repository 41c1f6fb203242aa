/** The one style sheet of the page: light and dark, desk and phone, screen and paper. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --text: #1a2330; --soft: #566273; --line: #d9dfe7; --link: #1f54c4; --code: #eef1f5;
  --broken: #b3261e; --broken-soft: #fdeeec; --held: #17693a; --held-soft: #e8f5ec;
  --doubt: #855300; --doubt-soft: #fff3d6; --none: #566273; --none-soft: #edf0f4; --on-strong: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #171e27; --text: #e5eaf1; --soft: #9daaba; --line: #2c3744; --link: #8db5ff; --code: #1f2833;
    --broken: #ff8d83; --broken-soft: #3a1b19; --held: #70d298; --held-soft: #13301f;
    --doubt: #f0be55; --doubt-soft: #362b0e; --none: #a5b1c0; --none-soft: #232d39; --on-strong: #14100f;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 74rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1, h2, h3, h4, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; margin: 3rem 0 1rem; letter-spacing: -.01em; }
h3 { font-size: 1.1rem; line-height: 1.35; }
h4 { font-size: .78rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); margin: 1.1rem 0 .2rem; }
ul, ol { list-style: none; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre, .id, .time { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .87em; }
code { background: var(--code); border-radius: 4px; padding: .1em .35em; }
code.command, pre { display: block; background: var(--code); border-radius: 6px; padding: .6rem .8rem; margin: .4rem 0; white-space: pre-wrap; user-select: all; }
.word { display: inline-block; max-width: 100%; vertical-align: top; }
pre code { padding: 0; background: none; font-size: 1em; }
p, dd, td, code, .what { unicode-bidi: isolate; }
.lead, .place, .where, .took, .time, .ends, figcaption, dt { color: var(--soft); }
.lead { margin-bottom: 1rem; max-width: 48rem; }
.kicker { color: var(--soft); margin-bottom: .3rem; }

.verdict { display: flex; align-items: center; gap: 1rem; margin: 1.4rem 0; padding: 1.1rem 1.3rem; border-radius: 12px; font-size: 1.3rem; line-height: 1.35; font-weight: 600; }
.verdict .sign { flex: none; display: grid; place-items: center; width: 2.2rem; height: 2.2rem; border-radius: 50%; font-size: 1.2rem; color: var(--on-strong); }
.verdict.broken { background: var(--broken-soft); color: var(--broken); } .verdict.broken .sign { background: var(--broken); }
.verdict.held { background: var(--held-soft); color: var(--held); } .verdict.held .sign { background: var(--held); }
.verdict.doubt { background: var(--doubt-soft); color: var(--doubt); } .verdict.doubt .sign { background: var(--doubt); }
.callout { margin: 1rem 0; padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.callout.doubt { border-color: var(--doubt); background: var(--doubt-soft); }
.callout ul { list-style: disc; padding-left: 1.2rem; margin-top: .3rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem 1.5rem; }
.facts .whole { grid-column: 1 / -1; }
dt { font-size: .82rem; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin-top: 1.6rem; padding: .8rem 0; border-block: 1px solid var(--line); }

.tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: .8rem; }
.tile { padding: .8rem 1rem; border-radius: 10px; background: var(--card); border: 1px solid var(--line); border-top: 4px solid currentColor; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.1; font-variant-numeric: tabular-nums; }
.tile > span { font-size: .88rem; }
.tile.zero { color: var(--soft) !important; border-top-color: var(--line); }
.tile.broken, .tone.broken, .missed, .leak { color: var(--broken); } .tile.held, .tone.held { color: var(--held); }
.tile.doubt, .tone.doubt { color: var(--doubt); } .tile.none { color: var(--none); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: .8rem; margin: .8rem 0; }
.side, .trust, .finding, .reasons > li, .case { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.side { padding: 1rem 1.2rem; }
.side .who { font-weight: 600; margin-top: .3rem; }
.side .where { font-size: .9rem; } .side .place { font-size: .9rem; }
.side .tone { font-weight: 600; margin-top: .6rem; }
.transport { display: grid; grid-template-columns: 3rem 1fr 2rem; align-items: center; gap: .5rem; margin-top: .5rem; font-size: .85rem; font-variant-numeric: tabular-nums; }
.transport :last-child { text-align: right; }
.bar { display: block; width: 100%; height: .7rem; border-radius: 4px; }
rect.broken { fill: var(--broken); } rect.held { fill: var(--held); } rect.doubt { fill: var(--doubt); } rect.none { fill: var(--line); }
.trust { padding: 1rem 1.2rem; } .trust ul { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); gap: .6rem 1.8rem; margin-top: .5rem; font-size: .92rem; }
.missed code { display: inline-block; }
.trust b { font-variant-numeric: tabular-nums; }

.badge { display: inline-block; padding: .05rem .55rem; border-radius: 999px; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.badge.broken, .chip.broken { background: var(--broken-soft); color: var(--broken); } .badge.held, .chip.held { background: var(--held-soft); color: var(--held); }
.badge.doubt, .chip.doubt { background: var(--doubt-soft); color: var(--doubt); } .badge.none, .chip.none { background: var(--none-soft); color: var(--none); }
h2 .count { color: var(--soft); font-weight: 400; } h3 .badge { vertical-align: .1em; font-weight: 600; }
.chips { display: flex; flex-wrap: wrap; gap: .3rem; }
.chip { padding: .05rem .45rem; border-radius: 5px; font-size: .8rem; text-decoration: none; font-variant-numeric: tabular-nums; }
a.chip:hover { text-decoration: underline; }

.glance { margin-bottom: 1.4rem; } .glance th:first-child { width: 8rem; } .glance th:nth-child(2) { width: 45%; } .glance td { width: auto !important; }
.finding > details > summary { color: var(--link); margin-top: .6rem; }
.finding { padding: 1.3rem 1.5rem; margin-bottom: 1.2rem; border-left: 5px solid var(--broken); }
.finding header p { display: flex; flex-wrap: wrap; gap: .4rem .6rem; align-items: center; font-size: .88rem; }
.finding h3 { font-size: 1.3rem; margin-top: .3rem; } .finding h3::first-letter { text-transform: uppercase; }
.severity { display: inline-block; white-space: nowrap; padding: .05rem .6rem; border-radius: 5px; font-weight: 700; font-size: .8rem; text-transform: uppercase; letter-spacing: .04em; border: 1px solid currentColor; }
.severity.critical, .severity.high { background: var(--broken); border-color: var(--broken); color: var(--on-strong); }
.severity.medium { color: var(--doubt); } .severity.low { color: var(--soft); }
.tag { color: var(--soft); } .tag::before { content: "· "; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 30rem); gap: 0 2.2rem; align-items: start; }
.leak { font-weight: 600; margin-top: .3rem; }
.evidence > div { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .6rem; padding: .12rem 0; font-size: .92rem; }
.evidence dt { font-size: inherit; }
a.file { display: inline-block; margin-right: .6rem; }
figure { margin-top: 1.1rem; } figcaption { font-size: .85rem; margin-top: .4rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; padding: .5rem; background: var(--page); }
.sequence { display: block; width: 100%; height: auto; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.sequence.wide { min-width: 28.5rem; } .sequence.narrow { min-width: 17rem; max-width: 26rem; margin: 0 auto; }
.sequence text { fill: var(--text); } .sequence .time, .sequence .aside { fill: var(--soft); font-size: 10px; }
.sequence .aside { font-size: 11px; font-style: italic; }
.sequence line { stroke: var(--text); stroke-width: 1.2; } .sequence path { fill: var(--text); }
.sequence line.life { stroke: var(--line); stroke-width: 2; } .sequence line.divide { stroke: var(--soft); stroke-dasharray: 3 4; stroke-width: 1; }
.sequence .actor { fill: var(--card); stroke: var(--soft); } .sequence .actor.lab { fill: var(--broken); stroke: var(--broken); }
.sequence .actor-name { font-weight: 600; fill: var(--text); stroke: none; font-size: 11.5px; } .sequence .actor-name.lab { fill: var(--on-strong); stroke: none; }
.sequence .attack text:not(.time) { fill: var(--broken); font-weight: 700; } .sequence .attack line { stroke: var(--broken); stroke-width: 2.2; }
.sequence .attack path { fill: var(--broken); } .sequence .mark { fill: var(--broken-soft); }
.clauses { margin-top: 1.2rem; padding-top: .9rem; border-top: 1px solid var(--line); display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); gap: .8rem 1.5rem; font-size: .9rem; }
.clause { display: block; }

.reasons > li { padding: .7rem 1rem; margin: .6rem 0; } .reasons .chips { margin-top: .4rem; } #untested h3 { margin-top: 1.4rem; }
.matrix { width: 100%; table-layout: fixed; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: .6rem 0 1.6rem; font-size: .92rem; }
.matrix th, .matrix td { text-align: left; vertical-align: top; padding: .55rem .9rem; border-top: 1px solid var(--line); }
.matrix thead th { border-top: 0; font-size: .82rem; color: var(--soft); font-weight: 400; }
.matrix tbody th { width: 34%; font-weight: 600; } .matrix th span { display: block; font-weight: 400; color: var(--soft); font-size: .92em; }
.matrix td:nth-child(2) { width: 9.5rem; }
summary { cursor: pointer; }
td summary, li summary { color: var(--link); font-size: .88rem; } td details[open] summary { margin-bottom: .4rem; }

#filter { display: flex; flex-wrap: wrap; gap: .6rem .9rem; align-items: end; margin-bottom: 1rem; padding: .9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
#filter label { display: grid; gap: .15rem; font-size: .82rem; color: var(--soft); }
input, select, button { font: inherit; font-size: .95rem; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: .35rem .6rem; min-width: 0; max-width: 100%; }
button { cursor: pointer; } #shown { margin-left: auto; color: var(--soft); font-size: .9rem; }
.case { margin-bottom: .35rem; } .case > summary { display: grid; grid-template-columns: 8.5rem 9.5rem minmax(0, 1fr) auto; gap: .2rem .8rem; align-items: baseline; padding: .5rem .9rem; list-style: none; }
.case > summary::-webkit-details-marker { display: none; } .case > summary .badge { justify-self: start; }
.case > summary:hover .title { text-decoration: underline; text-underline-offset: .15em; }
.case .took { font-size: .85rem; font-variant-numeric: tabular-nums; }
.case .inside { padding: .3rem .9rem 1rem; border-top: 1px solid var(--line); } .case .inside > * { margin-top: .6rem; }
.case:target { outline: 2px solid var(--link); }
.case:target::details-content, .finding:target > details::details-content { content-visibility: visible; }
.steps { border-left: 3px solid var(--line); font-size: .88rem; } .steps li { display: grid; grid-template-columns: 5.5rem 10.5rem minmax(0, 1fr); gap: 0 .8rem; padding: .1rem .8rem; }
.steps .time { text-align: right; font-variant-numeric: tabular-nums; } .steps li.attack { background: var(--broken-soft); } .steps li.attack b, .steps li.attack .what { color: var(--broken); }
.steps li.gap { display: block; font-style: italic; color: var(--soft); }
.legend > div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: .8rem; padding: .35rem 0; } .legend dd { max-width: 48rem; }
#legend h3 { margin: 1.4rem 0 .4rem; } #legend p { max-width: 48rem; margin-bottom: .5rem; }

@media (max-width: 60rem) { .columns { grid-template-columns: minmax(0, 1fr); } .sequence.narrow { margin: 0; } }
@media (max-width: 40rem) {
  main { padding: 1.2rem 1rem 3rem; } h1 { font-size: 1.5rem; } h2 { margin-top: 2.2rem; }
  .verdict { font-size: 1.1rem; padding: .9rem 1rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: .5rem; } .tile { padding: .5rem .8rem; } .tile b { font-size: 1.5rem; } .tile:first-child { grid-column: 1 / -1; }
  .finding { padding: 1rem; } .scroll { padding: .3rem 0; } .sequence { max-width: none !important; } .finding h3 { font-size: 1.15rem; }
  .matrix, .matrix tbody, .matrix tr, .matrix th, .matrix td { display: block; width: auto !important; } .matrix thead { display: none; }
  .matrix tr { padding: .5rem .8rem; border-top: 1px solid var(--line); } .matrix tr:first-child { border-top: 0; } .matrix th, .matrix td { border: 0; padding: .15rem 0; }
  .case > summary { grid-template-columns: auto minmax(0, 1fr) auto; padding: .6rem .8rem; } .case > summary .title { grid-column: 1 / -1; grid-row: 2; }
  .evidence > div { grid-template-columns: 5.8rem minmax(0, 1fr); }
  .steps li { grid-template-columns: auto 1fr; padding: .25rem .6rem; } .steps .what { grid-column: 1 / -1; } .steps .time { text-align: left; }
  .legend > div { grid-template-columns: minmax(0, 1fr); gap: .1rem; }
  #filter label:first-child { flex: 1 1 100%; } #filter label { flex: 1 1 40%; } #shown { margin-left: 0; flex-basis: 100%; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --soft: #444; --line: #bbb; --link: #000; --code: #f2f2f2;
    --broken: #a31710; --broken-soft: #fbe9e7; --held: #125c31; --held-soft: #e8f5ec; --doubt: #6d4400; --doubt-soft: #fff3d6; --none: #444; --none-soft: #eee; --on-strong: #fff; }
  body { font-size: 10pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; } main { max-width: none; padding: 0; }
  nav, #filter { display: none !important; } details:not(.case)::details-content { content-visibility: visible; } .case { border-width: 0 0 1px; border-radius: 0; margin: 0; break-inside: avoid; } .case > summary { padding: .15rem 0; } .case .inside { display: none; }
  figure, .side, .tile, .trust, .matrix tr, .reasons > li { break-inside: avoid; } h2, h3, h4, .finding header { break-after: avoid; }
  .columns { grid-template-columns: minmax(0, 1fr) minmax(0, 9cm); } .scroll { overflow: visible; } .sequence { min-width: 0 !important; }
}
`;
