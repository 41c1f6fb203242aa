import { residentBytes } from "../proc.ts";
import { Generator, type Measured } from "./generator.ts";
import type { DtlsPki } from "./pki.ts";
import type { RunningServer, ServerKind, ServerName } from "./servers.ts";
import { handshakeConcurrency, type WorkloadName, workloads } from "./workloads.ts";

export interface RunOptions {
  readonly pki: DtlsPki;
  readonly generator: string;
  readonly servers: readonly ServerKind[];
  readonly workloads: readonly WorkloadName[];
  readonly rounds: number;
  /** Run a first round that does not count. */
  readonly warmUp: boolean;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly idleAssociations: number;
  /** Between collecting garbage and looking at memory: V8 gives empty pages back eight seconds later. */
  readonly restMs: number;
  readonly progress: (line: string) => void;
}

interface MeasuredMemory {
  /** Growth of resident memory per association, garbage collected. */
  readonly bytesEach: number;
  /** The same before the garbage of the handshakes was collected. */
  readonly bytesEachUncollected: number;
}

/** One cell of the table: what each round measured, or why it could not. */
export interface Cell {
  readonly measured: Measured[];
  readonly memory: MeasuredMemory[];
  readonly errors: string[];
}

export type Results = Map<WorkloadName, Map<ServerName, Cell>>;

/** One row of the table of growing numbers. */
export interface ScaleStep {
  readonly held: number;
  /** Of each association that came with this step. */
  readonly handshakeCpuUs: number;
  readonly bytesEach: number;
  /** Over all held associations in turn. */
  readonly echoCpuUs: number;
}

/** Echoes under way while the number of associations grows. */
const scaleOutstanding = 128;
/** Memory varies less than time, and a round of it takes a minute. */
const memoryRounds = 1;
/** Associations that are held before memory counts. */
const firstHeld = 20;

interface Running {
  readonly server: RunningServer;
  readonly load: Generator;
  readonly stop: () => Promise<void>;
}

/**
 * Every workload on every server, server by server inside each round (A B C A B C), so that whatever else the machine
 * does falls on all of them alike.
 */
export async function runAll(options: RunOptions): Promise<Results> {
  const results: Results = new Map(
    options.workloads.map((workload) => [
      workload,
      new Map(options.servers.map(({ name }) => [name, { measured: [], memory: [], errors: [] }])),
    ]),
  );
  const pairs = new Map<ServerKind, Running>();
  try {
    for (const kind of options.servers) pairs.set(kind, await start(kind, options));
    // Round 0 warms up and is thrown away: code that ran a few hundred times is still being compiled.
    for (let round = options.warmUp ? 0 : 1; round <= options.rounds; round++) {
      for (const workload of options.workloads) {
        if (workload === "idle" && (round === 0 || round > memoryRounds)) continue;
        for (const kind of options.servers) {
          options.progress(`round ${round}/${options.rounds}  ${workload}  ${kind.name}`);
          const cell = results.get(workload)?.get(kind.name);
          try {
            if (workload === "idle") {
              cell?.memory.push(await measureMemory(kind, options));
            } else {
              const pair = pairs.get(kind) ?? (await start(kind, options));
              const measured = await measureOne(pair.load, workload, options);
              if (round > 0) cell?.measured.push(measured);
            }
          } catch (error) {
            cell?.errors.push(error instanceof Error ? error.message : String(error));
            if (workload !== "idle") {
              // Whatever it left behind is not the next measurement's business.
              await pairs.get(kind)?.stop();
              pairs.set(kind, await start(kind, options));
            }
          }
        }
      }
    }
  } finally {
    await Promise.all([...pairs.values()].map((pair) => pair.stop()));
  }
  return results;
}

/** What one workload costs a server, whose load generator is at hand. */
export async function measureOne(
  load: Generator,
  name: WorkloadName,
  options: Pick<RunOptions, "settleMs" | "windowMs">,
): Promise<Measured> {
  const { workload } = workloads[name];
  const { settleMs, windowMs } = options;
  if (workload.kind === "idle") throw new Error("memory wants a process of its own");
  let measured: Measured;
  if (workload.kind === "echo") {
    await load.hold(workload.associations, Math.min(workload.associations, handshakeConcurrency));
    measured = await load.echo(workload.outstanding, settleMs, windowMs);
    await load.release();
  } else {
    measured = await load.handshakes(
      workload.kind,
      workload.concurrency,
      workload.clients,
      settleMs,
      windowMs,
    );
  }
  const { operations, failures, notResumed, stalls } = measured;
  if (operations === 0) throw new Error("stalled: nothing finished inside the window");
  if (failures + notResumed + stalls > 0)
    throw new Error(`${failures} handshakes failed, ${notResumed} did not resume, ${stalls} stalls`);
  return measured;
}

/** Holds more and more associations on one server; each step pays for its handshakes, its memory and its echoes. */
export async function runScale(
  kind: ServerKind,
  steps: readonly number[],
  options: RunOptions,
): Promise<ScaleStep[]> {
  const { server, load, stop } = await start(kind, options);
  const found: ScaleStep[] = [];
  try {
    const before = await residentBytesHolding(firstHeld, server, load, options.restMs);
    for (const step of steps) {
      options.progress(`${step} associations  ${kind.name}`);
      const held = await load.hold(step, handshakeConcurrency);
      const resident = await residentBytesHolding(step, server, load, options.restMs);
      const bytesEach = (resident - before) / (step - firstHeld);
      const echoed = await load.echo(scaleOutstanding, options.settleMs, options.windowMs);
      found.push({
        held: held.held,
        handshakeCpuUs: held.cpuNs / held.operations / 1000,
        bytesEach,
        echoCpuUs: echoed.cpuNs / echoed.operations / 1000,
      });
    }
  } finally {
    await stop();
  }
  return found;
}

export async function start(
  kind: ServerKind,
  options: Pick<RunOptions, "pki" | "generator">,
  execArgv: readonly string[] = [],
): Promise<Running> {
  const server = await kind.start(options.pki, execArgv);
  const load = new Generator(options.generator, server, options.pki);
  return {
    server,
    load,
    async stop() {
      load.stop();
      await server.stop();
    },
  };
}

/** The slope between a tenth and all of them: what a server needs once, and code still to be compiled, is left out. */
async function measureMemory(kind: ServerKind, options: RunOptions): Promise<MeasuredMemory> {
  const { server, load, stop } = await start(kind, options);
  const all = options.idleAssociations;
  const few = Math.ceil(all / 10);
  try {
    const before = await residentBytesHolding(few, server, load, options.restMs);
    await load.hold(all, handshakeConcurrency);
    const uncollected = residentBytes(server.pid);
    const after = await residentBytesHolding(all, server, load, options.restMs);
    const each = (bytes: number) => (bytes - before) / (all - few);
    return { bytesEach: each(after), bytesEachUncollected: each(uncollected) };
  } finally {
    await stop();
  }
}

async function residentBytesHolding(
  count: number,
  server: RunningServer,
  load: Generator,
  restMs: number,
): Promise<number> {
  await load.hold(count, handshakeConcurrency);
  await server.settle(restMs);
  return residentBytes(server.pid);
}
