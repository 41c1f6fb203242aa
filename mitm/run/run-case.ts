import { Prng } from "../prng.ts";
import { Recorder } from "../record/recorder.ts";
import type { CaseReport } from "../report/run-report.ts";
import { aboutWeakness } from "../weaknesses/index.ts";
import { attempt } from "./attempt.ts";
import type { Case } from "./case.ts";
import { seedOf, served } from "./honest-peer.ts";
import type { Lane } from "./lanes.ts";
import type { RunOptions } from "./options.ts";
import type { Source } from "./sources.ts";
import { type Control, type Ending, type Judgement, judge } from "./verdict.ts";

/** How long a target may take to serve an honest peer again after an attack. */
const recoveryMs = 10_000;
/** Of our own targets and twins, which have no reason to take their time. */
const briefRecoveryMs = 400;

/** One case on one target: the honest twin, the attack, the honest twin again, and what it comes to. */
export async function runCase(
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

/** The report of a case that was not run. */
export function untried(one: Case, options: RunOptions, why: string): CaseReport {
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
    weakness: aboutWeakness(attack.defeats),
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
