import type { Attack } from "../attack.ts";
import { Recorder, type Recording } from "../record/recorder.ts";
import { type CaseReport, type RunReport, summarise } from "../report/run-report.ts";
import { assertKnown, type Case, casesOf, isWanted } from "./case.ts";
import { type Lane, openLane } from "./lanes.ts";
import type { RunOptions } from "./options.ts";
import { runCase, untried } from "./run-case.ts";
import type { Source } from "./sources.ts";

export interface RunResult {
  readonly report: RunReport;
  /** By case id: what the evidence folder is made of. */
  readonly recordings: ReadonlyMap<string, Recording>;
}

/** Runs every case that applies, judges it, and never throws for what a target does. */
export async function runMitm(options: RunOptions): Promise<RunResult> {
  const startedAt = new Date();
  const began = performance.now();
  const recordings = new Map<string, Recording>();
  const cases: CaseReport[] = [];
  const wanted = wantedCases(options.catalogue, options.sources, options.only ?? []);
  const work = options.sources.map((source) => ({
    source,
    cases: wanted.filter(({ attack }) => attack.side === source.side),
  }));
  const total = work.reduce((sum, each) => sum + each.cases.length, 0);
  const notes = [...(options.notes ?? [])];
  for (const each of work) {
    const done = await runSource(each.source, each.cases, options, (report, recording) => {
      recordings.set(report.id, recording);
      cases.push(report);
      options.onCase?.(report, cases.length, total);
    });
    if (done.note !== undefined) notes.push(done.note);
  }
  const order = new Map(work.flatMap((each) => each.cases).map((one, index) => [one.id, index]));
  cases.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
  const report: RunReport = {
    schema: "sallyport-mitm/1",
    tool: options.tool,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(performance.now() - began),
    seed: options.seed,
    command: options.command,
    targets: options.sources.map(({ side, name, endpoints }) => ({ side, name, endpoints })),
    cases,
    summary: summarise(cases),
    ...(options.signal.aborted && { interrupted: reasonOf(options.signal) }),
    notes,
  };
  return { report, recordings };
}

/**
 * The cases that apply to these sources, one for each side, and are among those asked for.
 * @throws MitmError MITM_CASE_UNKNOWN naming what was asked for and is none
 */
export function wantedCases(
  catalogue: readonly Attack[],
  sources: readonly Pick<Source, "side" | "transports">[],
  only: readonly string[],
): Case[] {
  const cases = sources.flatMap(({ side, transports }) => casesOf(catalogue, side, transports));
  assertKnown(cases, only);
  return cases.filter((one) => isWanted(one, only));
}

type Keep = (report: CaseReport, recording: Recording) => void;

/** The cases of one source, on as many lanes as it has. */
async function runSource(
  source: Source,
  cases: readonly Case[],
  options: RunOptions,
  keep: Keep,
): Promise<{ note?: string }> {
  const queue = [...cases];
  const kept = { bytes: 0 };
  let gone: string | undefined;
  const lanes = Array.from({ length: Math.min(source.lanes, cases.length) }, async () => {
    let lane: Lane | undefined;
    let failures = 0;
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      if (options.signal.aborted || gone !== undefined) {
        keep(untried(one, options, gone ?? reasonOf(options.signal)), new Recorder());
        continue;
      }
      try {
        lane ??= await openLane(source, one);
      } catch (error) {
        // Our own adapters, or a port that is taken: no case of this target can be tried.
        gone = `the target did not start: ${messageOf(error)}`;
        keep(untried(one, options, gone), new Recorder());
        continue;
      }
      let ran: Awaited<ReturnType<typeof runCase>>;
      try {
        ran = await runCase(source, lane, one, options, recordingRoom(kept));
      } catch (error) {
        // It was to be started anew for this case, and was not.
        gone = messageOf(error);
        keep(untried(one, options, gone), new Recorder());
        continue;
      }
      const { report, recorder, reached } = ran;
      kept.bytes += recorder.packetBytes;
      keep(report, recorder);
      failures = reached ? 0 : failures + 1;
      if (failures >= giveUpAfter && source.lanes === 1) {
        gone = `the target served no honest peer ${failures} times in a row: ${report.control.how}`;
      }
      if (source.perCase === true || (!reached && source.lanes > 1)) {
        await closed(lane);
        lane = undefined;
      }
    }
    if (lane !== undefined) await closed(lane);
  });
  await Promise.all(lanes);
  return gone === undefined ? {} : { note: gone };
}

/** What is wrong in closing a target is no reason to lose what was found out about it. */
async function closed(lane: Lane): Promise<void> {
  try {
    await lane.close();
  } catch {
    return;
  }
}

/** For the packets of all cases of one target: a target that floods fills no more than this. */
const mostRecorded = 96 * 2 ** 20;
const leastRoom = 2 ** 14;

/** How many octets of packets the next case may record: less and less, so that there is room for the last one. */
function recordingRoom(kept: { readonly bytes: number }): number {
  return Math.max(leastRoom, Math.floor((mostRecorded - kept.bytes) / 64));
}

/** So many failures of the honest twin in a row, and a target is taken to be gone. */
const giveUpAfter = 3;

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : String(reason);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
