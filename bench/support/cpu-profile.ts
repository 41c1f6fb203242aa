import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The parts of V8's .cpuprofile that self time needs. */
interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }>;
  /** Microseconds of CLOCK_MONOTONIC, as process.hrtime() counts. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface SelfTime {
  readonly where: string;
  /** Of the time that was not idle. */
  readonly share: number;
}

/** Self time per function and per module of the only profile in `directory` from one moment on, largest first. */
function readSelfTimes(
  directory: string,
  fromUs: number,
): {
  functions: SelfTime[];
  modules: SelfTime[];
  busyMs: number;
} {
  const file = readdirSync(directory).find((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`no profile was written to ${directory}`);
  const profile: CpuProfile = JSON.parse(readFileSync(join(directory, file), "utf8"));
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let busyUs = 0;
  let at = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const us = profile.timeDeltas[i] ?? 0;
    at += us;
    if (at < fromUs || frame === undefined || frame.functionName === "(idle)") continue;
    busyUs += us;
    const module = moduleOf(frame.url, frame.functionName);
    const where = `${frame.functionName || "(anonymous)"}  ${module}:${frame.lineNumber + 1}`;
    functions.set(where, (functions.get(where) ?? 0) + us);
    modules.set(module, (modules.get(module) ?? 0) + us);
  }
  return { functions: sorted(functions, busyUs), modules: sorted(modules, busyUs), busyMs: busyUs / 1000 };
}

/**
 * @param fromUs process.hrtime() in microseconds when the load began: start-up is left out
 * @param cpuUs CPU time of one operation as measured: spread over the entries by their share
 */
export function printSelfTimes(title: string, directory: string, fromUs: number, cpuUs: number): string {
  const { functions, modules, busyMs } = readSelfTimes(directory, fromUs);
  const lines = (entries: readonly SelfTime[]) =>
    entries.slice(0, 30).map(({ share, where }) => {
      const percent = `${(share * 100).toFixed(1)} %`.padStart(8);
      return `${percent}  ${(share * cpuUs).toFixed(2).padStart(8)} us  ${where}`;
    });
  return [
    `${title}: ${cpuUs.toFixed(1)} us an operation; profile of ${busyMs.toFixed(0)} ms busy`,
    " by module",
    ...lines(modules),
    " by function",
    ...lines(functions),
    "",
  ].join("\n");
}

function moduleOf(url: string, functionName: string): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "native";
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url);
  if (dependency !== null) return `${dependency[1]}/${dependency[2]}`;
  const own = /\/((?:pki|gateway|dtls|bench)\/.*)$/.exec(url);
  return own?.[1] ?? url;
}

function sorted(times: ReadonlyMap<string, number>, busyUs: number): SelfTime[] {
  return [...times]
    .map(([where, us]) => ({ where, share: us / busyUs }))
    .toSorted((a, b) => b.share - a.share);
}
