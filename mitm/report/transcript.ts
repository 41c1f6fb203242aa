import type { Step } from "../record/recorder.ts";
import { count, duration, printable } from "./printable.ts";
import type { CaseReport } from "./run-report.ts";

/** Everything that is known of a case, as plain text: for a file beside the capture, and for a CI's log. */
export function transcript(one: CaseReport): string {
  const lines = [
    `${printable(one.id)}: ${printable(one.title)}`,
    ...facts(one).map(([name, text]) => `${`${name}:`.padEnd(12)}${printable(text)}`),
    "",
  ];
  if (one.steps.length === 0) lines.push("(nothing was said)");
  for (const step of one.steps) lines.push(stepLine(step));
  return `${lines.join("\n")}\n`;
}

/** What is known of a case beside its steps, name and text. */
function facts(one: CaseReport): readonly (readonly [string, string])[] {
  return [
    ["verdict", one.verdict],
    ["seen", one.how],
    ["delivered", one.delivery],
    ["refused at", one.refusedAt],
    ["alert", one.alert],
    ["next", one.next],
    [
      "leaked",
      one.leakedBytes === 0
        ? undefined
        : count(one.leakedBytes, "byte of application data", "bytes of application data"),
    ],
    [
      "valid twin",
      `${one.control.ok ? "got through" : "did not get through"}: ${one.control.how} (${duration(one.control.ms)})`,
    ],
    ["took", duration(one.durationMs)],
    ["again", one.replay],
  ].filter((fact): fact is [string, string] => fact[1] !== undefined);
}

/** "   12.3 ms  #1  lab     > gateway  ClientHello, 512 bytes". What is the attack is marked with "!!". */
function stepLine(step: Step): string {
  const time = `${step.atMs.toFixed(1)} ms`.padStart(12);
  const bytes = step.bytes === undefined ? "" : `, ${count(step.bytes, "byte")}`;
  const note = step.note === undefined ? "" : ` (${printable(step.note)})`;
  const mark = step.attack === true ? "!!" : "  ";
  return `${time} ${mark} #${step.connection}  ${step.from.padEnd(7)} > ${step.to.padEnd(7)}  ${printable(step.what)}${bytes}${note}`;
}
