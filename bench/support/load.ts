/** The load generator: one job at a time over IPC, in a process of its own. A child program. */
import type { BenchPki } from "./certificates.ts";
import { connectLoad, idleLoad } from "./connect-load.ts";
import type { Measured } from "./measure.ts";
import { fanInLoad, fanOutLoad, pacedLoad } from "./message-load.ts";
import type { Workload } from "./workloads.ts";

/** One measurement of one broker. */
export interface Job {
  readonly workload: Workload;
  readonly pki: BenchPki;
  readonly port: number;
  readonly pid: number;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly idleConnections: number;
}

export type Answer = { readonly measured: Measured } | { readonly error: string };

process.on("disconnect", () => process.exit(0));
process.on("message", (job: Job) => {
  void run(job)
    .then(
      (measured): Answer => ({ measured }),
      (error: unknown): Answer => ({ error: String(error) }),
    )
    .then((answer) => process.send?.(answer));
});

function run(job: Job): Promise<Measured> {
  const { workload } = job;
  switch (workload.kind) {
    case "connect":
      return connectLoad(job, workload);
    case "fan-in":
      return fanInLoad(job, workload);
    case "fan-out":
      return fanOutLoad(job, workload);
    case "paced":
      return pacedLoad(job, workload);
    case "idle":
      return idleLoad(job);
  }
}
