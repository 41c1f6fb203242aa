import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { buildProgram } from "../support/dtls-peers/build.ts";

const linux = existsSync("/proc/self/schedstat");

interface Run {
  readonly rows: ReadonlyArray<{
    readonly workload: string;
    readonly servers: Record<string, { readonly rounds: number; readonly errors?: readonly string[] }>;
  }>;
}

// The figures are not looked at: on a busy machine they say nothing.
test("bench/dtls.ts runs every kind of load against our server", async (context) => {
  if (!linux) context.skip("CPU time is read from /proc, which is Linux's");
  const generator = await buildProgram("bench/support/dtls/load.c", "openssl");
  if ("whyNot" in generator) context.skip(`the load generator cannot be built: ${generator.whyNot}`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    "bench/dtls.ts --quick --json --servers ours".split(" "),
  );
  const { rows }: Run = JSON.parse(stdout);
  expect(rows.map((row) => row.workload)).toEqual([
    "full",
    "full-known",
    "resumed",
    "echo",
    "echo-single",
    "idle",
  ]);
  for (const row of rows) {
    expect(row.servers["ours"], row.workload).toMatchObject({ rounds: 1 });
    expect(row.servers["ours"]?.errors, row.workload).toBeUndefined();
  }
});

test("bench/dtls.ts --scale holds more and more associations", async (context) => {
  if (!linux) context.skip("CPU time is read from /proc, which is Linux's");
  const generator = await buildProgram("bench/support/dtls/load.c", "openssl");
  if ("whyNot" in generator) context.skip(`the load generator cannot be built: ${generator.whyNot}`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    "bench/dtls.ts --quick --json --scale --servers ours".split(" "),
  );
  const { servers }: { servers: Record<string, ReadonlyArray<{ held: number }>> } = JSON.parse(stdout);
  expect(servers["ours"]?.map(({ held }) => held)).toEqual([50, 200]);
});
