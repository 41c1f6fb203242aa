import type { Side, Transport } from "../attack.ts";
import { duration, printable } from "./printable.ts";
import { type CaseReport, type RunReport, summarise } from "./run-report.ts";
import { transcript } from "./transcript.ts";

const sides: readonly Side[] = ["gateway", "device", "pair"];
const transports: readonly Transport[] = ["tls", "dtls"];

/**
 * The run in the XML that CI servers read: a suite for each side and transport. Broken is a failure; what could not be
 * judged is an error, since a build must not pass on it; what does not apply is skipped, with its reason.
 */
export function runToJunit(report: RunReport): string {
  const suites = sides.flatMap((side) =>
    transports.map((transport) => ({
      side,
      transport,
      cases: report.cases.filter((one) => one.side === side && one.transport === transport),
    })),
  );
  const present = suites.filter(({ cases }) => cases.length > 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${attribute(report.tool.name)}" ${totals(report.cases)} time="${seconds(report.durationMs)}">`,
    ...present.flatMap(({ side, transport, cases }) => suite(report, side, transport, cases)),
    "</testsuites>",
    "",
  ].join("\n");
}

function suite(report: RunReport, side: Side, transport: Transport, cases: readonly CaseReport[]): string[] {
  const targets = report.targets.filter((target) => target.side === side);
  const properties = [
    ["tool", `${report.tool.name} ${report.tool.version}`],
    ["seed", report.seed],
    ["command", report.command],
    ...targets.map((target) => ["target", `${target.name} ${target.endpoints.join(", ")}`]),
  ];
  const remarks = [
    ...(report.interrupted === undefined ? [] : [`interrupted: ${report.interrupted}`]),
    ...report.notes,
  ];
  const skipped = cases.filter(({ verdict }) => verdict === "not applicable").length;
  const took = cases.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return [
    `  <testsuite name="mitm ${side} over ${transport.toUpperCase()}" ${totals(cases)} skipped="${skipped}" time="${seconds(took)}" timestamp="${attribute(report.startedAt)}">`,
    "    <properties>",
    ...properties.map(
      ([name = "", value = ""]) => `      <property name="${attribute(name)}" value="${attribute(value)}"/>`,
    ),
    "    </properties>",
    ...cases.flatMap(testCase),
    ...(remarks.length === 0
      ? []
      : [`    <system-err>${content(remarks.map((line) => printable(line)).join("\n"))}</system-err>`]),
    "  </testsuite>",
  ];
}

function testCase(one: CaseReport): string[] {
  const name = `${one.id} ${one.title}`;
  return [
    `    <testcase classname="mitm.${one.side}.${one.transport}" name="${attribute(name)}" time="${seconds(one.durationMs)}">`,
    ...outcome(one),
    `      <system-out>${content(transcript(one))}</system-out>`,
    "    </testcase>",
  ];
}

function outcome(one: CaseReport): string[] {
  switch (one.verdict) {
    case "held":
      return [];
    case "not applicable":
      return [`      <skipped>${content(printable(one.how))}</skipped>`];
    case "broken":
      return [
        `      <failure type="${attribute(one.weakness.name)}" message="${attribute(one.how)}">${content(
          [one.weakness.what, `Remedy: ${one.weakness.remedy}`, `Again: ${one.replay}`]
            .map((line) => printable(line))
            .join("\n"),
        )}</failure>`,
      ];
    case "inconclusive":
    case "not delivered":
      return [
        `      <error type="${one.verdict}" message="${attribute(one.how)}">${content(
          printable(
            `The valid twin ${one.control.ok ? "got through" : "did not get through"}: ${one.control.how} (${duration(one.control.ms)})`,
          ),
        )}</error>`,
      ];
  }
}

function totals(cases: readonly CaseReport[]): string {
  const { broken, inconclusive, "not delivered": undelivered } = summarise(cases);
  return `tests="${cases.length}" failures="${broken}" errors="${inconclusive + undelivered}"`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** What XML 1.0 §2.2 has no room for in a document, not even escaped. */
const noCharacter = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function content(text: string): string {
  return text
    .toWellFormed()
    .replace(noCharacter, "\u{fffd}")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\r", "&#13;");
}

/** A value between double quotes; line ends in it would become spaces, and `printable` shows them. */
function attribute(text: string): string {
  return content(printable(text)).replaceAll('"', "&quot;");
}
