import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const brokers = ["aedes", "gateway"];
const workloads = [
  "connect",
  "connect-resumed",
  "fan-in-qos1",
  "fan-out-qos0",
  "paced-qos0",
  "durable-qos1",
  "idle",
];
const linux = existsSync("/proc/self/schedstat");

// The figures are not looked at: on a busy machine they say nothing.
test("bench/gateway.ts runs every kind of load against the brokers that need nothing installed", async (context) => {
  if (!linux) context.skip("CPU time is read from /proc, which is Linux's");
  const { stdout } = await promisify(execFile)(process.execPath, [
    ..."bench/gateway.ts --quick --json --window 100 --idle 50".split(" "),
    `--brokers=${brokers.join(",")}`,
    `--only=${workloads.join(",")}`,
  ]);
  const {
    rows,
  }: { rows: Array<{ workload: string; brokers: Record<string, { rounds: number; errors?: string[] }> }> } =
    JSON.parse(stdout);
  expect(rows.map((row) => row.workload)).toEqual(workloads);
  for (const row of rows) {
    for (const broker of brokers) {
      expect(row.brokers[broker], `${row.workload} on ${broker}`).toMatchObject({ rounds: 1 });
    }
  }
});
