import type { Side, Transport } from "../../attack.ts";
import type { CaseReport, Verdict } from "../run-report.ts";
import { html, type Markup } from "./markup.ts";

export const sideNames: Readonly<Record<Side, string>> = {
  gateway: "Gateway",
  device: "Device",
  pair: "Path between device and gateway",
};

export const attackerPlaces: Readonly<Record<Side, string>> = {
  gateway: "the attacker is a client",
  device: "the attacker stands in the gateway's place",
  pair: "the attacker sits on the path and holds no key",
};

export const transportNames: Readonly<Record<Transport, string>> = { tls: "TLS", dtls: "DTLS" };

/** Verdicts as words for style classes, and a sign that does not need colour. */
export const verdictClasses: Readonly<Record<Verdict, string>> = {
  broken: "broken",
  "not delivered": "doubt",
  inconclusive: "doubt",
  held: "held",
  "not applicable": "none",
};
export const verdictSigns: Readonly<Record<Verdict, string>> = {
  broken: "✕",
  "not delivered": "?",
  inconclusive: "?",
  held: "✓",
  "not applicable": "–",
};

export const verdictMeanings: Readonly<Record<Verdict, string>> = {
  broken: "The attack succeeded: the target lacks the check that this case looks for.",
  "not delivered": "Nothing shows that the attack reached the target, so it says nothing about it.",
  inconclusive:
    "It cannot be told: an honest peer that does the same without the attack failed too, or time ran out.",
  held: "The target kept the rule. It is on record that the attack reached it, that an honest peer gets through, and that not one byte of application data was given away.",
  "not applicable": "The target lacks what is attacked, or the lab lacks what the attack needs.",
};

export function badge(verdict: Verdict): Markup {
  return html`<span class="badge ${verdictClasses[verdict]}"><span aria-hidden="true">${verdictSigns[verdict]}</span> ${verdict}</span>`;
}

/** A command to copy, which is not broken within a word: "--seed" must not become "--" and "seed". */
export function command(text: string): Markup {
  const words = text
    .split(" ")
    .map((word, index) => html`${index > 0 && " "}<span class="word">${word}</span>`);
  return html`<code class="command">${words}</code>`;
}

/** Anchors of the cases: readable, of letters that need no escape in a link, and each once. */
export function anchorsOf(cases: readonly CaseReport[]): ReadonlyMap<CaseReport, string> {
  const taken = new Set<string>();
  const anchors = new Map<CaseReport, string>();
  for (const one of cases) {
    const plain = `case-${one.id.slice(0, 60).replace(/[^A-Za-z0-9_-]/g, "-")}`;
    let anchor = plain;
    for (let again = 2; taken.has(anchor); again += 1) anchor = `${plain}.${again}`;
    taken.add(anchor);
    anchors.set(one, anchor);
  }
  return anchors;
}
