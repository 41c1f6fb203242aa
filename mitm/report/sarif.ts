import { hash } from "node:crypto";
import type { Severity } from "../attack.ts";
import { clausesOf, cwe } from "./clauses.ts";
import { printable } from "./printable.ts";
import type { CaseReport, RunReport, TargetReport } from "./run-report.ts";

/** GitHub and others sort by this number: the middle of each band of CVSS. */
const securitySeverity: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.5",
};
const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
};

/** A flow of more steps says nothing to a reader of a code scanner. */
const maxFlowSteps = 100;

/**
 * The run as SARIF 2.1.0: a rule for each attack of the run, a result for each broken case, and a note for each that
 * could not be judged. What held, or does not apply, is no result.
 */
export function runToSarif(report: RunReport): string {
  const attacks = new Map<string, CaseReport>();
  for (const one of report.cases) if (!attacks.has(one.attack)) attacks.set(one.attack, one);
  const ruleIndex = new Map([...attacks.keys()].map((id, index) => [id, index]));
  const numbers = [...new Set(report.cases.flatMap(({ reference }) => reference.cwe))].toSorted(
    (a, b) => a - b,
  );
  const told = report.cases.filter(
    ({ verdict }) => verdict === "broken" || verdict === "inconclusive" || verdict === "not delivered",
  );
  const document = {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: report.tool.name,
            version: report.tool.version,
            supportedTaxonomies: [{ name: "CWE", index: 0 }],
            rules: [...attacks.values()].map((one) => rule(one, numbers)),
          },
        },
        taxonomies: [
          {
            name: "CWE",
            organization: "MITRE",
            shortDescription: { text: "The MITRE Common Weakness Enumeration" },
            isComprehensive: false,
            taxa: numbers.map((id) => taxon(id)),
          },
        ],
        invocations: [invocation(report)],
        columnKind: "utf16CodeUnits",
        results: told.map((one) => ({
          ruleIndex: ruleIndex.get(one.attack),
          ...result(one, report.targets),
        })),
        properties: {
          seed: report.seed,
          summary: report.summary,
          ...(report.killRate !== undefined && { killRate: report.killRate }),
        },
      },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function taxon(id: number) {
  const { text, url } = cwe(id);
  return { id: String(id), ...(text !== "" && { name: text }), ...(url !== undefined && { helpUri: url }) };
}

function rule(one: CaseReport, numbers: readonly number[]) {
  const { reference, weakness } = one;
  const clauses = [
    ...reference.rfc,
    ...reference.cwe.map((id) => `CWE-${id}`),
    ...(reference.en303645 ?? []).map((name) => `EN 303 645 ${name}`),
    ...(reference.cra ?? []).map((name) => `CRA Annex ${name}`),
    ...(reference.also ?? []),
  ];
  const remedy = `${weakness.what}\n\nRemedy: ${weakness.remedy}\n\nRules: ${clauses.join("; ")}.`;
  const url = clausesOf(reference, "rfc").find((clause) => clause.url !== undefined)?.url;
  return {
    id: one.attack,
    name: pascalCase(weakness.name),
    shortDescription: { text: plain(`Attack: ${one.title}`) },
    fullDescription: { text: plain(weakness.what) },
    help: { text: plain(remedy) },
    ...(url !== undefined && { helpUri: url }),
    defaultConfiguration: { level: levels[one.severity] },
    relationships: [...new Set(reference.cwe)].map((id) => ({
      target: { id: String(id), index: numbers.indexOf(id), toolComponent: { name: "CWE", index: 0 } },
      kinds: ["superset"],
    })),
    properties: {
      tags: [...new Set(["security", ...reference.cwe.map((id) => `external/cwe/cwe-${id}`)])],
      precision: "very-high",
      "security-severity": securitySeverity[one.severity],
      rfc: reference.rfc,
      en303645: reference.en303645 ?? [],
      cra: reference.cra ?? [],
    },
  };
}

function result(one: CaseReport, targets: readonly TargetReport[]) {
  const broken = one.verdict === "broken";
  const target = targets.find((each) => each.side === one.side);
  const [file] = one.files;
  const message = broken
    ? `Broken by ${one.title} over ${one.transport.toUpperCase()}: ${one.how}. ${one.weakness.what}`
    : `Not judged (${one.verdict}), ${one.title} over ${one.transport.toUpperCase()}: ${one.how}.`;
  return {
    ruleId: one.attack,
    level: broken ? levels[one.severity] : "note",
    message: { text: plain(message) },
    locations: [
      {
        ...(file !== undefined && {
          physicalLocation: {
            artifactLocation: { uri: uriOf(file) },
            region: { startLine: 1 },
          },
        }),
        logicalLocations: [
          {
            name: printable(target?.name ?? one.side, 200),
            fullyQualifiedName: `${one.side}/${one.transport}`,
            kind: "resource",
          },
        ],
      },
    ],
    // The same attack on the same side is the same finding, whatever port the target has this time.
    partialFingerprints: {
      "mitmCase/v1": hash("sha256", `${one.side}\0${one.id}\0${one.weakness.name}`.toWellFormed()),
    },
    ...(broken && one.steps.length > 0 && { codeFlows: [codeFlow(one)] }),
    suppressions: [],
    properties: {
      verdict: one.verdict,
      case: one.id,
      leakedBytes: one.leakedBytes,
      validTwin: one.control,
      replay: one.replay,
      files: one.files,
    },
  };
}

/** The exchange, step by step; a reader is led to those that are the attack. */
function codeFlow(one: CaseReport) {
  return {
    threadFlows: [
      {
        locations: one.steps.slice(0, maxFlowSteps).map((step) => ({
          location: {
            message: {
              text: plain(
                `${step.from} to ${step.to}: ${step.what}${step.note === undefined ? "" : ` (${step.note})`}`,
              ),
            },
          },
          importance: step.attack === true ? "essential" : "important",
        })),
      },
    ],
  };
}

function invocation(report: RunReport) {
  const started = new Date(report.startedAt);
  const ended = new Date(started.getTime() + report.durationMs);
  const remarks = [
    ...(report.interrupted === undefined
      ? []
      : [{ level: "error", message: { text: plain(`The run was interrupted: ${report.interrupted}`) } }]),
    ...report.notes.map((note) => ({ level: "note", message: { text: plain(note) } })),
  ];
  return {
    executionSuccessful: report.interrupted === undefined,
    commandLine: report.command,
    ...(!Number.isNaN(started.getTime()) && { startTimeUtc: started.toISOString() }),
    ...(!Number.isNaN(ended.getTime()) && { endTimeUtc: ended.toISOString() }),
    toolExecutionNotifications: remarks,
  };
}

/** SARIF §3.11: in the text of a message, braces hold places and "[text](target)" is a link. A target must make neither. */
function plain(text: string): string {
  const lines = text.split("\n").map((line) => printable(line));
  return lines.join("\n").replaceAll("{", "{{").replaceAll("}", "}}").replaceAll("](", "] (");
}

/** A path within the evidence folder, as a reference relative to the file of results. */
function uriOf(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}

/** "ignores-expiry" is "IgnoresExpiry". */
function pascalCase(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
