import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  assertBundlePlace,
  catalogue,
  compareRuns,
  comparisonToLines,
  type RunReport,
  type RunResult,
  readBundle,
  runMitm,
  runToHtml,
  runToJunit,
  runToLines,
  runToSarif,
  type Source,
  wantedCases,
  writeBundle,
} from "../../mitm/index.ts";
import { writeFileAtomic } from "../../pki/index.ts";
import { CliError, type CliErrorCode, ExitCode } from "../errors.ts";
import { printable } from "../printable.ts";
import type { Session } from "../verb.ts";
import { version } from "../version.ts";
import { type Interruption, interruptible } from "./interruption.ts";
import { type LabOptions, quoted } from "./lab-options.ts";

export interface LabRun {
  readonly sources: readonly Source[];
  /** The command that makes this run again. */
  readonly command: string;
  /** What the lab is about to do, for people: one line each. */
  readonly plan: readonly string[];
  readonly notes?: readonly string[];
}

/** Says what will be done, does it, reports it, and returns the exit code. */
export async function runLab(
  session: Session,
  options: LabOptions,
  run: LabRun,
  interruption?: Interruption,
): Promise<ExitCode> {
  return interruption === undefined
    ? await interruptible(session, (given) => runUntil(given.signal, session, options, run))
    : await runUntil(interruption.signal, session, options, run);
}

async function runUntil(
  signal: AbortSignal,
  session: Session,
  options: LabOptions,
  run: LabRun,
): Promise<ExitCode> {
  const { out } = session;
  // Before anything is attacked: a run that cannot be compared, or has nowhere to go, would be for nothing.
  const earlier = options.compare === undefined ? undefined : readBundle(options.compare);
  if (options.bundle !== undefined) await assertBundlePlace(options.bundle);
  for (const file of [options.html, options.junit, options.sarif]) {
    if (file !== undefined) assertFilePlace(file);
  }
  const total = wantedCases(catalogue, run.sources, options.case ?? []).length;
  for (const line of [
    ...run.plan,
    `${total === 1 ? "1 case" : `${total} cases`} of the catalogue; Ctrl-C ends the run and reports what was tried.`,
    ...(options.bundle === undefined ? [] : replacing(options.bundle)),
  ]) {
    out.note(line);
  }
  const result = await progressing(session, total, (onCase) =>
    runMitm({
      sources: run.sources,
      catalogue,
      only: options.case ?? [],
      seed: options.seed,
      patience: { answerMs: options.patience, silenceMs: Math.min(300, options.patience) },
      deadlineMs: options.caseTimeout * 1_000,
      signal,
      tool: { name: "sallyport mitm", version: version() },
      command: [run.command, ...(options.case ?? []).map((id) => `--case ${quoted(id)}`)].join(" "),
      replay: (one) => `${run.command} --case ${one.id}`,
      onCase,
      notes: run.notes ?? [],
    }),
  );
  return await report(session, options, result, earlier);
}

/** A run of one case in the place of all of them is not what everybody wants. */
function replacing(bundle: string): string[] {
  if (!existsSync(join(bundle, "run.json"))) return [];
  const { startedAt, cases } = readBundle(bundle);
  return [
    `The evidence in ${bundle}, of ${startedAt.slice(0, 16).replace("T", " ")} UTC and ${cases.length === 1 ? "1 case" : `${cases.length} cases`}, is replaced at the end.`,
  ];
}

/** Throws CliError, saying why, where no file can be written in this place. */
function assertFilePlace(file: string): void {
  const folder = dirname(file);
  const explained = (code: CliErrorCode, why: string) =>
    new CliError(code, `${file} cannot be written: ${why}`);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw explained("CLI_FILE_EXISTS", "it is a folder");
  }
  const place = statSync(folder, { throwIfNoEntry: false });
  if (place === undefined) throw explained("CLI_FILE_MISSING", `there is no folder ${folder}`);
  if (!place.isDirectory()) throw explained("CLI_FILE_EXISTS", `${folder} is not a folder`);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw explained("CLI_FILE_PERMISSION", `this user may not write in ${folder}`);
  }
}

/** Writes what was asked for, says what came of it. */
async function report(
  session: Session,
  options: LabOptions,
  result: RunResult,
  earlier: RunReport | undefined,
): Promise<ExitCode> {
  const { out } = session;
  const { run, failure } = await writeReports(options, result);
  const comparison = earlier === undefined ? undefined : compareRuns(earlier, run);
  out.result(comparison === undefined ? run : { ...run, comparison }, () => {
    for (const line of runToLines(run, { style: (format, text) => out.style(format, text) })) out.say(line);
    if (comparison !== undefined) for (const line of comparisonToLines(comparison)) out.say(line);
  });
  // Said last: what the run found is worth more than the file that could not be written.
  if (failure !== undefined) throw failure;
  if (options.bundle !== undefined) {
    out.note(`evidence: ${options.bundle} (it holds session keys: keep it to yourself)`);
  }
  return exitCodeOf(run, options.allowUndecided === true);
}

/** Everything that was asked for, as far as it can be written. */
async function writeReports(
  options: LabOptions,
  result: RunResult,
): Promise<{ run: RunReport; failure: Error | undefined }> {
  let run = result.report;
  let failure: Error | undefined;
  const attempt = async (write: () => Promise<void> | void) => {
    try {
      await write();
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
    }
  };
  const { bundle, html, junit, sarif } = options;
  if (bundle !== undefined) {
    await attempt(async () => {
      run = await writeBundle(bundle, result);
    });
  }
  if (html !== undefined) await attempt(() => writeFileAtomic(html, runToHtml(run), 0o644));
  if (junit !== undefined) await attempt(() => writeFileAtomic(junit, runToJunit(run), 0o644));
  if (sarif !== undefined) await attempt(() => writeFileAtomic(sarif, runToSarif(run), 0o644));
  return { run, failure };
}

function exitCodeOf({ summary, interrupted }: RunReport, allowUndecided: boolean): ExitCode {
  if (summary.broken > 0) return ExitCode.failure;
  const undecided = summary.inconclusive + summary["not delivered"] > 0 || interrupted !== undefined;
  return undecided && !allowUndecided ? ExitCode.undecided : ExitCode.ok;
}

type OnCase = NonNullable<Parameters<typeof runMitm>[0]["onCase"]>;

/** A bar on a terminal; what is broken is said at once. */
export async function progressing<T>(
  { out }: Session,
  total: number,
  work: (onCase: OnCase) => Promise<T>,
): Promise<T> {
  const bar = out.progress(total, "attacking");
  try {
    return await work((one) => {
      bar.advance(1);
      if (one.verdict === "broken") out.note(printable(`broken: ${one.id}, ${one.title}: ${one.how}`));
    });
  } finally {
    bar.end();
  }
}
