import { MitmError } from "../errors.ts";
import { type RunReport, verdicts } from "./run-report.ts";

/** The run document as text: what `run.json` holds. */
export function runToJson(report: RunReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * Reads a run document, of this version of the format; what it does not know it leaves alone.
 *
 * @param where names the file, for the error
 * @throws MitmError MITM_BUNDLE_INVALID saying what is wrong and where in it
 */
export function runFromJson(text: string, where: string): RunReport {
  try {
    const document: unknown = JSON.parse(text);
    run(document, "");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field of the type was looked at
    return document as RunReport;
  } catch (error) {
    if (!(error instanceof WrongShape || error instanceof SyntaxError)) throw error;
    throw new MitmError("MITM_BUNDLE_INVALID", `${where} is not the document of a run: ${error.message}`, {
      cause: error,
    });
  }
}

/** What is wrong with a document, and where in it. */
class WrongShape extends Error {
  override readonly name = "WrongShape";
}

/** Looks at a value; `where` is the path of keys down to it. @throws WrongShape */
type Rule = (value: unknown, where: string) => void;

function rule(expected: string, holds: (value: unknown) => boolean): Rule {
  return (value, where) => {
    if (!holds(value)) throw new WrongShape(`${where === "" ? "it" : `"${where}"`} should be ${expected}`);
  };
}

const text = rule("a text", (value) => typeof value === "string");
const number = rule("a number", (value) => typeof value === "number" && Number.isFinite(value) && value >= 0);
const flag = rule("true or false", (value) => typeof value === "boolean");

function oneOf(...values: readonly string[]): Rule {
  return rule(`one of ${values.join(", ")}`, (value) => typeof value === "string" && values.includes(value));
}

function optional(inner: Rule): Rule {
  return (value, where) => {
    if (value !== undefined) inner(value, where);
  };
}

function listOf(inner: Rule): Rule {
  return (value, where) => {
    if (!Array.isArray(value)) throw new WrongShape(`"${where}" should be a list`);
    for (const [index, item] of value.entries()) inner(item, `${where}[${index}]`);
  };
}

function record(rules: Readonly<Record<string, Rule>>): Rule {
  return (value, where) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new WrongShape(`${where === "" ? "it" : `"${where}"`} should be an object`);
    }
    for (const [key, inner] of Object.entries(rules)) {
      inner(Object.getOwnPropertyDescriptor(value, key)?.value, where === "" ? key : `${where}.${key}`);
    }
  };
}

const side = oneOf("gateway", "device", "pair");
const actor = oneOf("lab", "device", "gateway");

const step = record({
  atMs: number,
  connection: number,
  from: actor,
  to: actor,
  what: text,
  bytes: optional(number),
  attack: optional(flag),
  note: optional(text),
});

const oneCase = record({
  id: text,
  attack: text,
  title: text,
  side,
  transport: oneOf("tls", "dtls"),
  severity: oneOf("critical", "high", "medium", "low"),
  weakness: record({ name: text, what: text, remedy: text }),
  reference: record({
    rfc: listOf(text),
    cwe: listOf(number),
    en303645: optional(listOf(text)),
    cra: optional(listOf(text)),
    also: optional(listOf(text)),
  }),
  verdict: oneOf(...verdicts),
  how: text,
  control: record({ ok: flag, how: text, ms: number }),
  delivery: optional(text),
  refusedAt: optional(text),
  alert: optional(text),
  next: optional(text),
  leakedBytes: number,
  durationMs: number,
  steps: listOf(step),
  replay: text,
  files: listOf(text),
});

const run = record({
  schema: rule('"sallyport-mitm/1"', (value) => value === "sallyport-mitm/1"),
  tool: record({ name: text, version: text }),
  startedAt: rule("a time", (value) => typeof value === "string" && !Number.isNaN(Date.parse(value))),
  durationMs: number,
  seed: text,
  command: text,
  targets: listOf(record({ side, name: text, endpoints: listOf(text) })),
  cases: listOf(oneCase),
  summary: record(Object.fromEntries(verdicts.map((verdict) => [verdict, number]))),
  killRate: optional(record({ detected: number, total: number, missed: listOf(text) })),
  interrupted: optional(text),
  notes: listOf(text),
});
