import { hash } from "node:crypto";
import { Prng } from "../prng.ts";
import { Recorder } from "../record/recorder.ts";
import type { Case } from "./case.ts";
import type { Lane } from "./lanes.ts";
import type { RunOptions } from "./options.ts";
import type { Source } from "./sources.ts";
import type { Control } from "./verdict.ts";

/** Whether an honest peer is served, now or after a while; and what it took. */
export async function served(
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

/** Each case has its own numbers, whichever others run before it or beside it. */
export function seedOf(seed: string, id: string): number {
  return Number.parseInt(hash("sha256", `${seed}\0${id}`, "hex").slice(0, 12), 16);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
