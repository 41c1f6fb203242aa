import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildPeer, type Program } from "../../../test/support/dtls-peers/build.ts";
import type { WhyNot } from "../../../test/support/dtls-peers/newer-packages.ts";
import type { DtlsPki } from "./pki.ts";

/** `ours-gc` is ours with V8's garbage collector on the main thread alone, `ours-workers` in several threads. */
export const serverNames = ["ours", "ours-gc", "ours-workers", "openssl", "mbedtls"] as const;
export type ServerName = (typeof serverNames)[number];

/** What our server's process is told (one JSON argument). */
export interface OurServerSettings {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** Threads that listen on the same port; undefined: the main thread does. */
  readonly workers?: number | undefined;
}

export interface RunningServer {
  readonly name: ServerName;
  readonly pid: number;
  readonly port: number;
  /** Ours: collects garbage and waits until V8 has given back what is free then. Nothing to do for the others. */
  settle(restMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** How to start one kind of server, and what it is. */
export interface ServerKind {
  readonly name: ServerName;
  readonly version: string;
  start(pki: DtlsPki, execArgv?: readonly string[]): Promise<RunningServer>;
}

export interface OurServerOptions {
  readonly name?: ServerName;
  /** Options of Node's own. */
  readonly flags?: readonly string[];
  readonly workers?: number | undefined;
}

/** @param node the program that runs our server */
export function ourServer(
  node: string,
  version: string,
  { name = "ours", flags = [], workers }: OurServerOptions = {},
): ServerKind {
  return {
    name,
    version,
    start: (pki, execArgv = []) => startOurs(name, node, { ...pki, workers }, [...flags, ...execArgv]),
  };
}

/** The echo server of test/support/dtls-peers on the newest library that can be had, or why there is none. */
export async function nativeServer(name: "openssl" | "mbedtls"): Promise<ServerKind | WhyNot> {
  const newer = await buildPeer(name, { newer: true });
  const built = "whyNot" in newer ? await buildPeer(name) : newer;
  if ("whyNot" in built) return { whyNot: `${built.whyNot}; ${"whyNot" in newer ? newer.whyNot : ""}` };
  return { name, version: built.version, start: (pki) => startNative(name, built, pki) };
}

async function startOurs(
  name: ServerName,
  node: string,
  { certificate, key, ca, workers }: DtlsPki & Pick<OurServerSettings, "workers">,
  execArgv: readonly string[],
): Promise<RunningServer> {
  const settings: OurServerSettings = { certificate, key, ca, workers };
  const child = fork(fileURLToPath(new URL("./our-server.ts", import.meta.url)), [JSON.stringify(settings)], {
    execPath: node,
    execArgv: ["--disable-warning=ExperimentalWarning", "--expose-gc", ...execArgv],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message: { port: number }) => resolve(message.port));
    child.once("exit", (code) => reject(new Error(`our server ended with ${code} before it listened`)));
  });
  // The first collection shrinks the heap, and V8 keeps the pages for some seconds; the second may free still more.
  const settle = async (restMs: number) => {
    for (let times = 0; times < 2; times++) {
      const settled = once(child, "message");
      child.send("settle");
      await settled;
      await sleep(restMs);
    }
  };
  return running(name, child, port, settle, () => child.connected && child.send("stop"));
}

async function startNative(
  name: "openssl" | "mbedtls",
  { program }: Program,
  pki: DtlsPki,
): Promise<RunningServer> {
  const { certificate, key, ca } = pki;
  const args = ["server", "--port", "0", "--cert", certificate, "--key", key, "--ca", ca, "--quiet"];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(Number(line.split(" ")[1])));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it listened`)));
  });
  return running(
    name,
    child,
    port,
    async () => {},
    () => child.kill("SIGTERM"),
  );
}

function running(
  name: ServerName,
  child: ChildProcess,
  port: number,
  settle: (restMs: number) => Promise<void>,
  ask: () => void,
): RunningServer {
  if (child.pid === undefined) throw new Error(`${name} has no process id`);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    name,
    pid: child.pid,
    port,
    settle,
    stop: async () => {
      ask();
      const timer = setTimeout(kill, 15_000);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
      process.off("exit", kill);
    },
  };
}
