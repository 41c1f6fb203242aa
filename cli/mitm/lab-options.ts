import { type Command, InvalidArgumentError } from "commander";
import { collect, wholeNumber } from "../verb.ts";

/** Which cases are run, and how patiently. */
export interface CaseOptions {
  readonly case?: readonly string[];
  readonly seed: string;
  readonly patience: number;
  readonly caseTimeout: number;
}

/** What all verbs of the lab that attack a target have in common. */
export interface LabOptions extends CaseOptions {
  readonly bundle?: string;
  readonly html?: string;
  readonly junit?: string;
  readonly sarif?: string;
  readonly compare?: string;
  readonly allowUndecided?: boolean;
}

export function caseOptions(command: Command): Command {
  return command
    .option(
      "--case <id>",
      "only this case, attack or group of them: G-CERT-05/dtls, G-CERT, or what begins so: G-CERT-0* (may be repeated)",
      collect,
    )
    .option("--seed <text>", "what random decisions follow from: the same seed makes the same run", "1")
    .option(
      "--patience <ms>",
      "how long to wait for an answer of the target",
      wholeNumber(50, 120_000),
      2_000,
    )
    .option("--case-timeout <seconds>", "give up on a case after this long", wholeNumber(1, 3_600), 30);
}

export function labOptions(command: Command): Command {
  return caseOptions(command)
    .option(
      "--bundle <dir>",
      "write the evidence there: capture, key log, transcripts, certificates, reports",
      place,
    )
    .option("--html <file>", "write the report as one page to read and to hand on", place)
    .option("--junit <file>", "write the report as JUnit XML, for a pipeline", place)
    .option("--sarif <file>", "write the findings as SARIF 2.1.0, for code scanning", place)
    .option("--compare <dir>", "say what changed since the run whose evidence is there")
    .option(
      "--allow-undecided",
      "exit with 0 even if a case could not be judged, as long as nothing is broken",
    );
}

/** A variable of a script that is empty must not stand for the folder that one is in. */
function place(text: string): string {
  if (text === "") throw new InvalidArgumentError("a path is wanted");
  return text;
}

/** What a report says of how to run it again must not write files anew, nor choose cases. */
const notRepeated = new Set([
  "json",
  "bundle",
  "html",
  "junit",
  "sarif",
  "compare",
  "case",
  "allowUndecided",
]);

/** The command line of this run without what it writes; options that have their default are left out. */
export function commandLine(
  verb: string,
  args: readonly string[],
  options: object,
  defaults: Readonly<Record<string, unknown>> = {},
): string {
  const words = ["npx", "sallyport", "mitm", verb, ...args];
  for (const [key, value] of Object.entries<unknown>({ ...options })) {
    if (notRepeated.has(key) || value === undefined || value === defaults[key]) continue;
    const name = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) words.push(name);
    else for (const each of Array.isArray(value) ? value : [value]) words.push(name, String(each));
  }
  return words.map(quoted).join(" ");
}

/** For a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export const labDefaults = { seed: "1", patience: 2_000, caseTimeout: 30 } as const;

/** How many targets of our own are attacked beside each other, unless somebody says otherwise. */
export const defaultJobs = 6;
