import { hash } from "node:crypto";
import type { Attack } from "../attack.ts";
import type { Patience } from "../lab/lab.ts";
import { Prng } from "../prng.ts";
import { Recorder, type Recording } from "../record/recorder.ts";
import { type CaseReport, type RunReport, summarise } from "../report/run-report.ts";
import { weaknesses } from "../weaknesses/index.ts";
import { attempt } from "./attempt.ts";
import { assertKnown, type Case, casesOf, isWanted } from "./case.ts";
import { type Lane, openLane } from "./lanes.ts";
import type { Source } from "./sources.ts";
import { type Control, type Ending, type Judgement, judge } from "./verdict.ts";

export interface RunOptions {
  readonly sources: readonly Source[];
  readonly catalogue: readonly Attack[];
  /** Ids, or what they begin with; empty: all. */
  readonly only?: readonly string[];
  /** The same seed makes the same decisions. */
  readonly seed: string;
  readonly patience: Patience;
  /** After this long a case is given up, ms. */
  readonly deadlineMs: number;
  /** Ends the run: what has not been tried is reported as not tried. */
  readonly signal: AbortSignal;
  readonly tool: { readonly name: string; readonly version: string };
  /** Command that makes this run again, and the one that runs one case of it again. */
  readonly command: string;
  readonly replay: (one: Case) => string;
  /** Told of each case as it ends, for progress. */
  readonly onCase?: (report: CaseReport, done: number, total: number) => void;
  readonly notes?: readonly string[];
}

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

async function runCase(
  source: Source,
  lane: Lane,
  one: Case,
  options: RunOptions,
  room: number,
): Promise<{ report: CaseReport; recorder: Recorder; reached: boolean }> {
  const began = performance.now();
  const recorder = new Recorder(undefined, room);
  const prng = new Prng(seedOf(options.seed, one.id));
  const anew = source.servesOnce === true ? source.restart : undefined;
  // One that serves a single peer cannot be asked for the next one: the honest twin came before.
  const known = anew === undefined ? lane.lastControl(one.transport) : undefined;
  await anew?.();
  const before = known ?? (await served(source, lane, one, options, 0)).control;
  if (before.ok) await anew?.();
  const tried = before.ok
    ? await attempt(lane, one, { recorder, prng, ...options })
    : { ending: { kind: "failed", how: before.how } as const, next: undefined };
  const recovery = source.lanes === 1 && source.perCase !== true ? recoveryMs : briefRecoveryMs;
  const after =
    before.ok && anew === undefined && !options.signal.aborted
      ? await served(source, lane, one, options, recovery)
      : undefined;
  const { verdict, how, outage } = judged(tried.ending, before, after?.control, recorder, options.signal);
  const finding = tried.ending.kind === "finding" ? tried.ending.finding : undefined;
  const next = (finding !== undefined && "next" in finding ? finding.next : undefined) ?? tried.next;
  const report: CaseReport = {
    ...about(one, options),
    ...(outage && { weakness: serviceStopped }),
    verdict,
    how,
    control: before,
    delivery: recorder.delivered,
    ...(finding?.result === "held" && { refusedAt: finding.refusedAt, alert: finding.alert }),
    next: [next, after?.remark].filter((text) => text !== undefined).join("; ") || undefined,
    leakedBytes: recorder.leakedBytes,
    durationMs: Math.round(performance.now() - began),
    steps: recorder.steps,
  };
  return { report, recorder, reached: (after?.control ?? before).ok };
}

/** Who was not served because the run was ended says nothing about the target. */
function judged(
  ending: Ending,
  before: Control,
  after: Control | undefined,
  recorder: Recorder,
  signal: AbortSignal,
): Judgement {
  if (!signal.aborted || after?.ok !== false) return judge(ending, before, after, recorder);
  const alone = judge(ending, before, undefined, recorder);
  return alone.verdict === "held"
    ? { verdict: "inconclusive", how: `interrupted before it was seen what came after; so far: ${alone.how}` }
    : alone;
}

/** Whether an honest peer is served, now or after a while; and what it took. */
async function served(
  source: Source,
  lane: Lane,
  one: Case,
  options: RunOptions,
  patienceMs: number,
): Promise<{ control: Control; remark?: string }> {
  const first = await control(lane, one, options);
  if (first.ok || options.signal.aborted) return { control: first };
  if (source.restart !== undefined) {
    try {
      await source.restart();
    } catch (error) {
      return { control: { ...first, how: `${first.how}; ${messageOf(error)}` } };
    }
    const again = await control(lane, one, options);
    return { control: again, remark: "served nobody until it was started again" };
  }
  // What slows a target down for a moment, or makes it wary of our address for some seconds, has not broken it.
  const began = performance.now();
  let last = first;
  while (
    !last.ok &&
    last.absent !== true &&
    performance.now() - began < patienceMs &&
    !options.signal.aborted
  ) {
    await pause(Math.min(pauseMs, patienceMs / 4), options.signal);
    last = await control(lane, one, options);
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  if (last.absent === true) return { control: last, remark: last.how };
  return last.ok
    ? { control: last, remark: `served an honest peer again after ${seconds} s` }
    : { control: last };
}

const recoveryMs = 10_000;
/** Of our own targets and twins, which have no reason to take their time. */
const briefRecoveryMs = 400;
const pauseMs = 500;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

async function control(lane: Lane, one: Case, options: RunOptions): Promise<Control> {
  const began = performance.now();
  const prng = new Prng(seedOf(options.seed, `control of ${one.id}`));
  const seen = await lane.control(one.transport, { recorder: new Recorder(), prng, ...options });
  const result = { ...seen, ms: Math.round(performance.now() - began) };
  lane.remember(one.transport, result);
  return result;
}

function untried(one: Case, options: RunOptions, why: string): CaseReport {
  return {
    ...about(one, options),
    verdict: "inconclusive",
    how: `not tried: ${why}`,
    control: { ok: false, how: "not tried", ms: 0 },
    leakedBytes: 0,
    durationMs: 0,
    steps: [],
  };
}

function about(one: Case, options: RunOptions) {
  const { attack, transport, id } = one;
  return {
    id,
    attack: attack.id,
    title: attack.title,
    side: attack.side,
    transport,
    severity: attack.severity,
    weakness: { name: attack.defeats, ...weaknesses[attack.defeats] },
    reference: attack.reference,
    replay: options.replay(one),
    files: [],
  };
}

/** What is wrong with a target that an attack put out of service, whichever attack it was. */
const serviceStopped = {
  name: "service-stopped",
  what: "One peer, who was refused, stops the service for all others.",
  remedy:
    "Serve peers independently of each other, and give up on one that does not go on, after a bounded time.",
} as const;

/** Each case has its own numbers, whichever others run before it or beside it. */
function seedOf(seed: string, id: string): number {
  return Number.parseInt(hash("sha256", `${seed}\0${id}`, "hex").slice(0, 12), 16);
}

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : String(reason);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
