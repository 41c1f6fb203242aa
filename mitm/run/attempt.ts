import type { Transport } from "../attack.ts";
import { NotApplicable, NotDelivered } from "../errors.ts";
import type { Patience } from "../lab/lab.ts";
import type { LabOptions } from "../lab/lab-base.ts";
import type { Prng } from "../prng.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Case } from "./case.ts";
import type { Lane } from "./lanes.ts";
import type { Ending } from "./verdict.ts";

/** What one attempt (an attack, or a control) is given. */
export interface AttemptOptions {
  readonly recorder: Recorder;
  readonly prng: Prng;
  readonly patience: Patience;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** The attack of a case, with a deadline, and everything it opened closed afterwards. */
export async function attempt(
  lane: Lane,
  one: Case,
  options: AttemptOptions,
): Promise<{ ending: Ending; next: string | undefined }> {
  const { ending, value } = await within(options, one.transport, (lab) => lane.attack(one, lab));
  if (value !== undefined) return { ending: { kind: "finding", finding: value.finding }, next: value.next };
  return { ending, next: undefined };
}

/** Runs `work` until it is done, its time is up, or the run is interrupted; what it throws becomes an ending. */
export async function within<T>(
  options: AttemptOptions,
  transport: Transport,
  work: (lab: LabOptions) => Promise<T>,
): Promise<{ ending: Ending; value?: T }> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.deadlineMs);
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const aborted = Promise.withResolvers<"aborted">();
  const onAbort = () => aborted.resolve("aborted");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const { recorder, prng, patience } = options;
  const working = work({ transport, recorder, prng, patience, signal });
  // It may fail long after it was given up.
  working.catch(() => undefined);
  try {
    const value = await Promise.race([working, aborted.promise]);
    if (value !== "aborted") return { ending: { kind: "failed", how: "" }, value };
    const how = options.signal.aborted ? "interrupted" : `not done after ${options.deadlineMs / 1000} s`;
    return { ending: { kind: "failed", how } };
  } catch (error) {
    return { ending: endingOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    // Whatever still runs of it is told to stop.
    deadline.abort();
  }
}

function endingOf(error: unknown): Ending {
  if (error instanceof NotApplicable) return { kind: "not applicable", how: error.message };
  if (error instanceof NotDelivered) return { kind: "not delivered", how: error.message };
  const how = error instanceof Error ? error.message : String(error);
  return { kind: "failed", how: `the attack could not be carried out: ${how}` };
}
