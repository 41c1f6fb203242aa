/**
 * Our gateway beside plain Aedes behind plain node:tls and beside Mosquitto: same certificates, same load, one run.
 * See README.md in this folder. Prints and never judges: a timing is no test.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type BrokerName, brokerNames, mosquittoVersion, startBroker } from "./support/brokers.ts";
import { type BenchPki, makeBenchPki } from "./support/certificates.ts";
import { printSelfTimes } from "./support/cpu-profile.ts";
import type { Measured } from "./support/measure.ts";
import { Generator, jobFor, type RunOptions, runAll } from "./support/runner.ts";
import { printTables, summarize } from "./support/table.ts";
import { peers, type WorkloadName, workloadNames } from "./support/workloads.ts";

const usage = `node bench/gateway.ts [options]
  --quick             one short round: does it still run? (under a minute)
  --rounds N          rounds, brokers interleaved in each (default 3)
  --window MS         length of one measurement (default 2000)
  --idle N            connections for the memory figure (default 1000)
  --only A,B          workloads: ${workloadNames.join(" ")}
  --brokers A,B       brokers: ${brokerNames.join(" ")}
  --profile           CPU profiles of our gateway and of plain Aedes per workload, top self time printed
  --json              print one JSON object instead of tables`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    window: { type: "string" },
    idle: { type: "string" },
    only: { type: "string" },
    brokers: { type: "string" },
    profile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (flags.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  if (!existsSync("/proc/self/schedstat"))
    throw new Error("needs Linux: CPU time is read from /proc/<pid>/schedstat");
  const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const options = optionsFrom(await makeBenchPki(directory, peers));
  if (flags.profile) await profile(options);
  else await compare(options);
}

async function compare(options: RunOptions): Promise<void> {
  const started = Date.now();
  const rows = summarize(await runAll(options));
  const run = {
    node: process.version,
    mosquitto: mosquittoVersion() ?? "absent",
    rounds: options.rounds,
    windowMs: options.windowMs,
    idleConnections: options.idleConnections,
    seconds: Math.round((Date.now() - started) / 1000),
  };
  if (flags.json) {
    console.log(JSON.stringify({ run, rows }, undefined, 2));
    return;
  }
  console.log(
    `\n${Object.entries(run)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ")}\n`,
  );
  console.log(printTables(rows, options.brokers));
  for (const row of rows) {
    for (const [name, summary] of Object.entries(row.brokers)) {
      for (const error of new Set(summary.errors)) console.log(`${row.workload}, ${name}: ${error}`);
    }
  }
}

/** One child per broker and workload, so that each profile shows one thing. */
async function profile(options: RunOptions): Promise<void> {
  const generator = new Generator();
  try {
    for (const workload of options.workloads) {
      for (const name of options.brokers) {
        if (name === "mosquitto") continue;
        const profiles = join(options.pki.directory, `profile-${workload}-${name}`);
        mkdirSync(profiles);
        const execArgv = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, "--cpu-prof-interval=500"];
        const broker = await startBroker(name, options.pki, { execArgv });
        const fromUs = Number(process.hrtime.bigint() / 1000n);
        let measured: Measured;
        try {
          measured = await generator.measure(jobFor(broker, workload, options));
        } finally {
          await broker.stop();
        }
        const cpuUs = measured.cpuNs / measured.operations / 1000;
        console.log(printSelfTimes(`${workload}, ${name}`, profiles, fromUs, cpuUs));
      }
    }
  } finally {
    generator.stop();
  }
}

function optionsFrom(pki: BenchPki): RunOptions {
  const { quick } = flags;
  const brokers = chosen(flags.brokers, brokerNames, "--brokers");
  const withoutAbsent =
    mosquittoVersion() === undefined ? brokers.filter((name) => name !== "mosquitto") : brokers;
  if (withoutAbsent.length < brokers.length)
    console.error("mosquitto is not installed: its column is left out");
  return {
    pki,
    brokers: withoutAbsent,
    workloads: chosen(flags.only, workloadNames, "--only"),
    rounds: count(flags.rounds, quick ? 1 : 3, "--rounds"),
    warmUp: !quick,
    settleMs: quick ? 50 : 500,
    windowMs: count(flags.window, quick ? 200 : 2_000, "--window"),
    idleConnections: count(flags.idle, quick ? 100 : 1_000, "--idle"),
    progress: (line) => (process.stderr.isTTY ? console.error(line) : undefined),
  };
}

function chosen<T extends BrokerName | WorkloadName>(
  list: string | undefined,
  all: readonly T[],
  flag: string,
): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(",");
  const unknown = names.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`${flag}: no "${unknown}"; there are ${all.join(", ")}`);
  return all.filter((name) => names.includes(name));
}

function count(text: string | undefined, fallback: number, flag: string): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) throw new Error(`${flag} wants a whole number above 0`);
  return value;
}
