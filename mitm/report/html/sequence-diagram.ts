import type { Actor, Step } from "../../record/recorder.ts";
import { printable } from "../printable.ts";
import { html, type Markup } from "./markup.ts";

/** In units of the picture, which are pixels where it has its full width. */
const gutter = 50;
const margin = 54;
const gap = { two: 236, three: 182 } as const;
const headHeight = 40;
const lineHeight = 14;
/** Of letters in the labels; the fonts differ, so this is on the generous side. */
const letterWidth = 6.4;
const boldLetterWidth = 7.7;
const maxLabelLines = 3;

/** A picture longer than this shows nothing: what is neither the attack nor near it is left out, and counted. */
const maxRows = 34;
const firstRows = 12;
const lastRows = 6;
const aroundAttack = 2;

const actors: readonly Actor[] = ["device", "lab", "gateway"];
const names: Readonly<Record<Actor, string>> = {
  device: "device",
  lab: "lab (attacker)",
  gateway: "gateway",
};

/** What one line of the picture shows. */
type Row =
  | { readonly kind: "step"; readonly step: Step; readonly times: number }
  | { readonly kind: "connection"; readonly connection: number }
  | { readonly kind: "left out"; readonly steps: number };

/** The exchange as a picture: who said what to whom, in order, the attack marked. */
export function sequenceDiagram(steps: readonly Step[], label: string): Markup {
  const present = actors.filter((actor) => steps.some(({ from, to }) => from === actor || to === actor));
  const columns = present.length < 2 ? actors : present;
  const space = columns.length === 3 ? gap.three : gap.two;
  const x = (actor: Actor) => gutter + margin + Math.max(0, columns.indexOf(actor)) * space;
  const width = gutter + 2 * margin + (columns.length - 1) * space;
  const drawn: Markup[] = [];
  let y = headHeight;
  for (const row of rowsOf(steps)) {
    const { markup, height } = draw(row, y, width, x);
    drawn.push(markup);
    y += height;
  }
  const height = y + 12;
  return html`<svg class="sequence ${columns.length === 3 ? "wide" : "narrow"}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
${columns.map((actor) => html`<line class="life" x1="${x(actor)}" x2="${x(actor)}" y1="28" y2="${height - 4}"/><rect class="actor ${actor}" x="${x(actor) - 50}" y="4" width="100" height="24" rx="5"/><text class="actor-name ${actor}" x="${x(actor)}" y="20" text-anchor="middle">${names[actor]}</text>`)}
${drawn}</svg>`;
}

function draw(
  row: Row,
  y: number,
  width: number,
  x: (actor: Actor) => number,
): { markup: Markup; height: number } {
  switch (row.kind) {
    case "connection":
      return {
        markup: html`<line class="divide" x1="${gutter}" x2="${width}" y1="${y + 8}" y2="${y + 8}"/><text class="aside" x="${width - 4}" y="${y + 21}" text-anchor="end">connection ${row.connection}</text>`,
        height: 26,
      };
    case "left out":
      return {
        markup: html`<text class="aside" x="${(gutter + width) / 2}" y="${y + 16}" text-anchor="middle">… ${row.steps} steps left out …</text>`,
        height: 26,
      };
    case "step":
      return drawStep(row.step, row.times, y, x);
  }
}

function drawStep(
  step: Step,
  times: number,
  y: number,
  x: (actor: Actor) => number,
): { markup: Markup; height: number } {
  const attack = step.attack === true;
  const from = x(step.from);
  // A step of one end with itself would be an arrow of no length.
  const to = step.from === step.to ? from + 60 : x(step.to);
  const left = Math.min(from, to);
  const span = Math.abs(to - from);
  const bytes = step.bytes === undefined || step.bytes === 0 ? "" : `, ${step.bytes}\u00a0B`;
  const note = step.note === undefined ? "" : ` (${step.note})`;
  const many = times === 1 ? "" : ` × ${times}`;
  const what = `${step.what}${note}${bytes}${many}`;
  const lines = labelLines(
    `${attack ? "⚡ " : ""}${what}`,
    Math.floor((span - 12) / (attack ? boldLetterWidth : letterWidth)),
  );
  const height = lines.length * lineHeight + 14;
  const line = y + height - 6;
  const tip = to > from ? to - 8 : to + 8;
  const markup = html`<g class="${attack ? "step attack" : "step"}"><title>${`${step.from} to ${step.to}: ${what}`}</title>${attack && html`<rect class="mark" x="${left + 4}" y="${y}" width="${span - 8}" height="${height - 2}" rx="4"/>`}<text class="time" x="${gutter - 6}" y="${line + 3}" text-anchor="end">${timeOf(step)}</text>${lines.map((text, index) => html`<text x="${left + span / 2}" y="${y + 12 + index * lineHeight}" text-anchor="middle">${text}</text>`)}<line x1="${from}" x2="${tip}" y1="${line}" y2="${line}"/><path d="M${to} ${line}L${tip} ${line - 4}L${tip} ${line + 4}Z"/></g>`;
  return { markup, height: height + 4 };
}

function timeOf({ atMs }: Step): string {
  return atMs < 10_000 ? `${atMs.toFixed(atMs < 100 ? 1 : 0)} ms` : `${Math.round(atMs / 1000)} s`;
}

/** Broken between words where it can be, and cut after a few lines: the whole text is in the title of the step. */
function labelLines(text: string, letters: number): string[] {
  let rest = printable(text, 400);
  const lines: string[] = [];
  while (rest !== "") {
    if (rest.length <= letters) {
      lines.push(rest);
      break;
    }
    if (lines.length === maxLabelLines - 1) {
      lines.push(`${rest.slice(0, letters - 1).toWellFormed()}…`);
      break;
    }
    const space = rest.lastIndexOf(" ", letters);
    const end = space > letters / 3 ? space : letters;
    lines.push(rest.slice(0, end).toWellFormed());
    rest = rest.slice(end).trimStart();
  }
  return lines.length === 0 ? [""] : lines;
}

function rowsOf(steps: readonly Step[]): Row[] {
  const said = repeated(steps);
  const kept = keptOf(said);
  const rows: Row[] = [];
  const pairs = new Map<string, number>();
  let leftOut = 0;
  for (const [index, { step, times }] of said.entries()) {
    if (!kept.has(index)) {
      leftOut += times;
      continue;
    }
    if (leftOut > 0) rows.push({ kind: "left out", steps: leftOut });
    leftOut = 0;
    // The two connections of a relay are told apart by their ends; a second one between the same two is announced.
    const pair = [step.from, step.to].toSorted().join();
    const before = pairs.get(pair);
    if (before !== undefined && before !== step.connection) {
      rows.push({ kind: "connection", connection: step.connection });
    }
    pairs.set(pair, step.connection);
    rows.push({ kind: "step", step, times });
  }
  if (leftOut > 0) rows.push({ kind: "left out", steps: leftOut });
  return rows;
}

interface Said {
  readonly step: Step;
  readonly times: number;
}

/** The same thing said again and again is one arrow. */
function repeated(steps: readonly Step[]): Said[] {
  const said: Said[] = [];
  for (const step of steps) {
    const last = said.at(-1);
    if (last !== undefined && sameAs(last.step, step))
      said[said.length - 1] = { ...last, times: last.times + 1 };
    else said.push({ step, times: 1 });
  }
  return said;
}

function sameAs(one: Step, other: Step): boolean {
  return (
    one.what === other.what &&
    one.from === other.from &&
    one.to === other.to &&
    one.connection === other.connection &&
    one.bytes === other.bytes &&
    one.attack === other.attack &&
    one.note === other.note
  );
}

/** Which are drawn: all, or the beginning, the end, and the attack with what is around it. */
function keptOf(said: readonly Said[]): ReadonlySet<number> {
  if (said.length <= maxRows) return new Set(said.keys());
  const kept = new Set<number>();
  for (let index = 0; index < firstRows; index += 1) kept.add(index);
  for (let index = said.length - lastRows; index < said.length; index += 1) kept.add(index);
  for (const [index, { step }] of said.entries()) {
    if (step.attack !== true || kept.size >= maxRows) continue;
    for (let near = index - aroundAttack; near <= index + aroundAttack; near += 1) {
      if (near >= 0 && near < said.length) kept.add(near);
    }
  }
  return kept;
}
