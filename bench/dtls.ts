/**
 * Our DTLS 1.2 server beside OpenSSL's and Mbed TLS's in C: same certificates, same suite, same load, one run.
 * See README.md in this folder. Prints and never judges: a timing is no test.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printSelfTimes } from "./support/cpu-profile.ts";
import { buildGenerator } from "./support/dtls/generator.ts";
import { makeDtlsPki } from "./support/dtls/pki.ts";
import { measureOne, type RunOptions, runAll, runScale, type ScaleStep, start } from "./support/dtls/run.ts";
import {
  nativeServer,
  ourServer,
  type ServerKind,
  type ServerName,
  serverNames,
} from "./support/dtls/servers.ts";
import { printScale, printTables, printWorkers, summarize } from "./support/dtls/table.ts";
import { allClients, workloadNames } from "./support/dtls/workloads.ts";

const defaultServers = ["ours", "openssl", "mbedtls"] as const satisfies readonly ServerName[];
const usage = `node bench/dtls.ts [options]
  --quick             one short round: does it still run? (some seconds)
  --rounds N          rounds, servers interleaved in each (default 5)
  --window MS         length of one measurement (default 2000)
  --idle N            associations for the memory figure (default 20000)
  --only A,B          workloads: ${workloadNames.join(" ")}
  --servers A,B       servers (default ${defaultServers.join(",")}): ${serverNames.join(" ")}
  --node PATH         run our server under another Node
  --workers N         instead: rates of our server with N worker threads beside one
  --scale             instead: cost per association while their number grows to 50000
  --steps A,B         numbers for --scale (default 100,1000,10000,50000)
  --profile           instead: CPU profiles of our server per workload, top self time printed
  --json              print one JSON object instead of tables`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    window: { type: "string" },
    idle: { type: "string" },
    only: { type: "string" },
    servers: { type: "string" },
    node: { type: "string" },
    workers: { type: "string" },
    scale: { type: "boolean", default: false },
    steps: { type: "string" },
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
  const options = await optionsFrom(directory);
  if (flags.profile) await profile(options);
  else if (flags.scale) await scale(options);
  else if (flags.workers !== undefined) await workers(options, count(flags.workers, 2, "--workers"));
  else await compare(options);
}

async function compare(options: RunOptions): Promise<void> {
  const started = Date.now();
  const rows = summarize(await runAll(options), options.servers, nodeVersion());
  const run = { ...facts(options), seconds: Math.round((Date.now() - started) / 1000) };
  if (flags.json) {
    console.log(JSON.stringify({ run, rows }, undefined, 2));
    return;
  }
  console.log(`\n${said(run)}\n\n${printTables(rows, options.servers)}`);
  for (const row of rows) {
    for (const [name, summary] of Object.entries(row.servers)) {
      for (const error of new Set(summary.errors)) console.log(`${row.workload}, ${name}: ${error}`);
    }
  }
}

async function scale(options: RunOptions): Promise<void> {
  const steps = numbers(flags.steps ?? (flags.quick ? "50,200" : "100,1000,10000,50000"), "--steps");
  const found = new Map<ServerKind, ScaleStep[]>();
  for (const kind of options.servers) found.set(kind, await runScale(kind, steps, options));
  if (flags.json) {
    const servers = Object.fromEntries([...found].map(([{ name }, rows]) => [name, rows]));
    console.log(JSON.stringify({ run: facts(options), servers }, undefined, 2));
  } else {
    console.log(`\n${said(facts(options))}\n\n${printScale(found)}`);
  }
}

/** Rates and not only costs: threads make nothing cheaper. The load generator wants a processor of its own. */
async function workers(options: RunOptions, threads: number): Promise<void> {
  const node = flags.node ?? process.execPath;
  const servers = [
    ourServer(node, nodeVersion(), { workers: 1 }),
    ourServer(node, nodeVersion(), { name: "ours-workers", workers: threads }),
  ];
  // What memory a thread takes is another question.
  const measured = { ...options, servers, workloads: options.workloads.filter((name) => name !== "idle") };
  const rows = summarize(await runAll(measured), servers, nodeVersion());
  const run = { ...facts(measured), workers: threads, processors: availableParallelism() };
  if (flags.json) console.log(JSON.stringify({ run, rows }, undefined, 2));
  else console.log(`\n${said(run)}\n\n${printWorkers(rows, threads)}`);
}

/** One child per workload, so that each profile shows one thing. */
async function profile(options: RunOptions): Promise<void> {
  const ours = options.servers.find(({ name }) => name === "ours");
  if (ours === undefined) throw new Error("--profile is for our server");
  for (const workload of options.workloads) {
    if (workload === "idle") continue;
    const profiles = join(options.pki.directory, `profile-${workload}`);
    mkdirSync(profiles);
    const execArgv = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, "--cpu-prof-interval=500"];
    const { load, stop } = await start(ours, options, execArgv);
    try {
      await measureOne(load, workload, { settleMs: 0, windowMs: options.windowMs });
      const fromUs = Number(process.hrtime.bigint() / 1000n);
      const measured = await measureOne(load, workload, options);
      await stop();
      const cpuUs = measured.cpuNs / measured.operations / 1000;
      console.log(printSelfTimes(`${workload}, ours`, profiles, fromUs, cpuUs));
    } finally {
      await stop();
    }
  }
}

async function optionsFrom(directory: string): Promise<RunOptions> {
  const { quick } = flags;
  return {
    pki: await makeDtlsPki(directory, quick ? 10 : allClients),
    generator: await buildGenerator(),
    servers: await serversFrom(
      flags.servers === undefined ? defaultServers : chosen(flags.servers, serverNames, "--servers"),
    ),
    workloads: chosen(flags.only, workloadNames, "--only"),
    rounds: count(flags.rounds, quick ? 1 : 5, "--rounds"),
    warmUp: !quick,
    settleMs: quick ? 50 : 300,
    windowMs: count(flags.window, quick ? 150 : 2_000, "--window"),
    idleAssociations: count(flags.idle, quick ? 100 : 20_000, "--idle"),
    restMs: quick ? 50 : 10_000,
    progress: (line) => (process.stderr.isTTY ? console.error(line) : undefined),
  };
}

async function serversFrom(names: readonly ServerName[]): Promise<ServerKind[]> {
  const kinds: ServerKind[] = [];
  for (const name of names) {
    const node = flags.node ?? process.execPath;
    const version = `Node ${nodeVersion()}`;
    if (name === "ours") {
      kinds.push(ourServer(node, version));
      continue;
    }
    if (name === "ours-gc") {
      const gc = "--single-threaded-gc";
      kinds.push(ourServer(node, `${version} ${gc}`, { name, flags: [gc] }));
      continue;
    }
    if (name === "ours-workers") {
      const threads = availableParallelism();
      kinds.push(ourServer(node, `${version}, ${threads} workers`, { name, workers: threads }));
      continue;
    }
    const kind = await nativeServer(name);
    if ("whyNot" in kind) console.error(`${name} is left out: ${kind.whyNot}`);
    else kinds.push(kind);
  }
  return kinds;
}

function nodeVersion(): string {
  if (flags.node === undefined) return process.version;
  return execFileSync(flags.node, ["--version"], { encoding: "utf8" }).trim();
}

function facts({ servers, rounds, windowMs, idleAssociations }: RunOptions) {
  return {
    servers: servers.map(({ name, version }) => `${name} ${version}`).join(", "),
    suite: "ECDHE-ECDSA-AES128-GCM-SHA256, P-256",
    rounds,
    windowMs,
    idleAssociations,
  };
}

function said(run: object): string {
  return Object.entries(run)
    .map(([key, value]) => `${key} ${value}`)
    .join("; ");
}

function chosen<T extends string>(list: string | undefined, all: readonly T[], flag: string): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(",");
  const unknown = names.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`${flag}: no "${unknown}"; there are ${all.join(", ")}`);
  return all.filter((name) => names.includes(name));
}

function numbers(list: string, flag: string): number[] {
  return list.split(",").map((text) => count(text, 0, flag));
}

function count(text: string | undefined, fallback: number, flag: string): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) throw new Error(`${flag} wants a whole number above 0`);
  return value;
}
