import { cpuTimeNs } from "./proc.ts";

/** What one measurement saw. */
export interface Measured {
  /** Operations finished inside the window. */
  readonly operations: number;
  /** Length of the window. */
  readonly wallMs: number;
  /** CPU time the broker used inside the window, all threads. */
  readonly cpuNs: number;
  /** CPU time the generator used: near wallMs, and the wall rate is the generator's, not the broker's. */
  readonly generatorCpuMs: number;
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  /** Memory workload: growth of the broker's resident memory per operation. */
  readonly bytesEach?: number;
  /** Resumed connects: how many the broker really resumed. */
  readonly resumed?: number;
}

/** Counts operations and the broker's CPU time between two moments. */
export class Window {
  operations = 0;
  readonly #pid: number;
  readonly #settleMs: number;
  readonly #windowMs: number;
  readonly #latencies: number[] = [];
  #open = false;

  /** @param settleMs load that runs before the window opens: JIT, buffers and queues reach their steady state */
  constructor(pid: number, settleMs: number, windowMs: number) {
    this.#pid = pid;
    this.#settleMs = settleMs;
    this.#windowMs = windowMs;
  }

  /** Notes when a message arrived that was sent at `sentAt` (performance.now()). */
  latency(sentAt: number): void {
    if (this.#open) this.#latencies.push(performance.now() - sentAt);
  }

  /** Runs the window while the load goes on; fails when nothing at all finishes in it. */
  async run(): Promise<Measured> {
    await sleep(this.#settleMs);
    this.#open = true;
    const before = {
      operations: this.operations,
      cpu: cpuTimeNs(this.#pid),
      own: process.cpuUsage(),
      at: performance.now(),
    };
    await sleep(this.#windowMs);
    const cpuNs = cpuTimeNs(this.#pid) - before.cpu;
    const wallMs = performance.now() - before.at;
    this.#open = false;
    const own = process.cpuUsage(before.own);
    const operations = this.operations - before.operations;
    if (operations === 0) throw new Error("stalled: nothing finished inside the window");
    return {
      operations,
      wallMs,
      cpuNs,
      generatorCpuMs: (own.user + own.system) / 1000,
      ...(this.#latencies.length > 0 ? { latencyMs: quantiles(this.#latencies) } : {}),
    };
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

function quantiles(values: number[]): { p50: number; p99: number } {
  values.sort((a, b) => a - b);
  const at = (q: number) => values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
