import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BrokerName, type RunningBroker, startBroker } from "./brokers.ts";
import type { BenchPki } from "./certificates.ts";
import type { Answer, Job } from "./load.ts";
import type { Measured } from "./measure.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

export interface RunOptions {
  readonly pki: BenchPki;
  readonly brokers: readonly BrokerName[];
  readonly workloads: readonly WorkloadName[];
  readonly rounds: number;
  /** Run a first round that does not count. */
  readonly warmUp: boolean;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly idleConnections: number;
  readonly progress: (line: string) => void;
}

/** One cell of the table: what each round measured, or why it could not. */
export interface Cell {
  readonly measured: Measured[];
  readonly errors: string[];
}

export type Results = Map<WorkloadName, Map<BrokerName, Cell>>;

/**
 * Every workload on every broker, broker by broker inside each round (A B C A B C), so that whatever else the
 * machine does falls on all of them alike.
 */
export async function runAll(options: RunOptions): Promise<Results> {
  const results: Results = new Map(
    options.workloads.map((workload) => [
      workload,
      new Map(options.brokers.map((broker) => [broker, { measured: [], errors: [] }])),
    ]),
  );
  const generator = new Generator();
  const running: RunningBroker[] = [];
  try {
    for (const name of options.brokers) running.push(await startBroker(name, options.pki));
    // Round 0 warms up and is thrown away: a broker that has run a few hundred operations is still being compiled.
    for (let round = options.warmUp ? 0 : 1; round <= options.rounds; round++) {
      for (const workload of options.workloads) {
        if (round === 0 && workload === "idle") continue;
        for (const broker of running) {
          options.progress(`round ${round}/${options.rounds}  ${workload}  ${broker.name}`);
          const cell = results.get(workload)?.get(broker.name);
          try {
            const measured = await measureOne(generator, broker, workload, options);
            if (round > 0) cell?.measured.push(measured);
          } catch (error) {
            cell?.errors.push(error instanceof Error ? error.message : String(error));
          }
        }
      }
    }
  } finally {
    await Promise.all(running.map((broker) => broker.stop()));
    generator.stop();
  }
  return results;
}

/** Some workloads want a process of their own: memory a fresh one, kept sessions a Mosquitto that keeps them. */
async function measureOne(
  generator: Generator,
  broker: RunningBroker,
  name: WorkloadName,
  options: RunOptions,
): Promise<Measured> {
  const { workload } = workloads[name];
  const durable = workload.kind === "fan-in" && workload.durable && broker.name === "mosquitto";
  if (workload.kind !== "idle" && !durable) return generator.measure(jobFor(broker, name, options));
  const fresh = await startBroker(broker.name, options.pki, { persistent: durable });
  try {
    return await generator.measure(jobFor(fresh, name, options));
  } finally {
    await fresh.stop();
  }
}

export function jobFor(
  broker: RunningBroker,
  name: WorkloadName,
  options: Pick<RunOptions, "pki" | "settleMs" | "windowMs" | "idleConnections">,
): Job {
  const { pki, settleMs, windowMs, idleConnections } = options;
  return {
    workload: workloads[name].workload,
    pki,
    port: broker.port,
    pid: broker.pid,
    settleMs,
    windowMs,
    idleConnections,
  };
}

/** The load generator's process. */
export class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./load.ts", import.meta.url)), { execArgv: [] });
  }

  async measure(job: Job): Promise<Measured> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`the load generator ended with ${code}`));
      this.#child.once("exit", ended);
      this.#child.once("message", (message: Answer) => {
        this.#child.off("exit", ended);
        resolve(message);
      });
      this.#child.send(job);
    });
    if ("error" in answer) throw new Error(answer.error);
    return answer.measured;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
