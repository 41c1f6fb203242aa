import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The parts of V8's .cpuprofile that self time needs. */
interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }>;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface SelfTime {
  readonly where: string;
  /** Of the time that was not idle. */
  readonly share: number;
}

/** Self time per function and per module of the only profile in `directory`, largest first. */
function readSelfTimes(directory: string): {
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
  for (const [i, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const us = profile.timeDeltas[i] ?? 0;
    if (frame === undefined || frame.functionName === "(idle)") continue;
    busyUs += us;
    const module = moduleOf(frame.url, frame.functionName);
    const where = `${frame.functionName || "(anonymous)"}  ${module}:${frame.lineNumber + 1}`;
    functions.set(where, (functions.get(where) ?? 0) + us);
    modules.set(module, (modules.get(module) ?? 0) + us);
  }
  return { functions: sorted(functions, busyUs), modules: sorted(modules, busyUs), busyMs: busyUs / 1000 };
}

/** @param cpuUs CPU time of one operation as measured: spread over the entries by their share */
export function printSelfTimes(title: string, directory: string, cpuUs: number, top: number): string {
  const { functions, modules, busyMs } = readSelfTimes(directory);
  const lines = (entries: readonly SelfTime[]) =>
    entries.slice(0, top).map(({ share, where }) => {
      const percent = `${(share * 100).toFixed(1)} %`.padStart(8);
      return `${percent}  ${(share * cpuUs).toFixed(2).padStart(8)} us  ${where}`;
    });
  return [
    `${title}: ${cpuUs.toFixed(1)} us an operation; profile of ${busyMs.toFixed(0)} ms busy, start-up included`,
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
  const own = /\/((?:pki|gateway|bench)\/.*)$/.exec(url);
  return own?.[1] ?? url;
}

function sorted(times: ReadonlyMap<string, number>, busyUs: number): SelfTime[] {
  return [...times]
    .map(([where, us]) => ({ where, share: us / busyUs }))
    .toSorted((a, b) => b.share - a.share);
}
