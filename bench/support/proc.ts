import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU time of a process so far, in ns, all threads: the first figure of /proc/<pid>/task/<tid>/schedstat
 * (/proc/<pid>/stat counts in 10 ms ticks, too coarse for a window of a second). Linux only.
 */
export function cpuTimeNs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  }
  return total;
}

/** Resident memory of a process in bytes (VmRSS). */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`no VmRSS for process ${pid}`);
  return Number(found[1]) * 1024;
}
