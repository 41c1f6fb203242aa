import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchPki } from "./certificates.ts";
import { type BrokerSettings, portOf } from "./child.ts";

export const brokerNames = ["aedes", "mosquitto", "gateway", "gateway-memory"] as const;
export type BrokerName = (typeof brokerNames)[number];

export interface RunningBroker {
  readonly name: BrokerName;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Mosquitto: `persistence true`, in a directory of its own. Our gateway keeps state by its own name. */
  readonly persistent?: boolean;
  /** Node's flags for the child (`--cpu-prof ...`); Mosquitto takes none. */
  readonly execArgv?: readonly string[];
}

/** Starts one broker in a process of its own, listening on a free port of 127.0.0.1. */
export function startBroker(
  name: BrokerName,
  pki: BenchPki,
  options: StartOptions = {},
): Promise<RunningBroker> {
  switch (name) {
    case "aedes":
      return startNode(name, new URL("./aedes-broker.ts", import.meta.url), settingsOf(pki), options);
    case "gateway":
      return startNode(
        name,
        new URL("./gateway-broker.ts", import.meta.url),
        { ...settingsOf(pki), stateDirectory: mkdtempSync(join(pki.directory, "state-")) },
        options,
      );
    case "gateway-memory":
      return startNode(name, new URL("./gateway-broker.ts", import.meta.url), settingsOf(pki), options);
    case "mosquitto":
      return startMosquitto(pki, options);
  }
}

/** Mosquitto's version, or undefined where it is not installed. */
export function mosquittoVersion(): string | undefined {
  // `-h` prints the version first and exits with 3.
  const { stdout } = spawnSync("mosquitto", ["-h"], { encoding: "utf8", env: withSbin() });
  return /version (\S+)/.exec(stdout ?? "")?.[1];
}

function settingsOf(pki: BenchPki): BrokerSettings {
  return { ...pki.gateway, ca: pki.ca, pkiDirectory: pki.directory };
}

async function startNode(
  name: BrokerName,
  program: URL,
  settings: BrokerSettings,
  options: StartOptions,
): Promise<RunningBroker> {
  const child = fork(fileURLToPath(program), [JSON.stringify(settings)], {
    execArgv: ["--disable-warning=ExperimentalWarning", ...(options.execArgv ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message: { port: number }) => resolve(message.port));
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it listened`)));
  });
  return running(name, child, port, () => child.connected && child.send("stop"));
}

async function startMosquitto(pki: BenchPki, options: StartOptions): Promise<RunningBroker> {
  const port = await freePort();
  const directory = mkdtempSync(join(pki.directory, "mosquitto-"));
  const config = join(directory, "mosquitto.conf");
  const persistence =
    options.persistent === true
      ? ["persistence true", `persistence_location ${directory}/`]
      : ["persistence false"];
  writeFileSync(
    config,
    [
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      "log_type error",
      "allow_anonymous true",
      "max_inflight_messages 0",
      "max_queued_messages 0",
      "set_tcp_nodelay true",
      ...persistence,
      `listener ${port} 127.0.0.1`,
      `cafile ${pki.ca}`,
      `certfile ${pki.gateway.certificate}`,
      `keyfile ${pki.gateway.key}`,
      "require_certificate true",
      "tls_version tlsv1.3",
      "",
    ].join("\n"),
  );
  const child = spawn("mosquitto", ["-c", config], { stdio: ["ignore", "ignore", "pipe"], env: withSbin() });
  child.stderr.on("data", (chunk: Buffer) => {
    if (!chunk.includes("should not be run as root")) console.error(chunk.toString().trimEnd());
  });
  await listening(child, port);
  return running("mosquitto", child, port, () => child.kill("SIGTERM"));
}

function running(name: BrokerName, child: ChildProcess, port: number, ask: () => void): RunningBroker {
  if (child.pid === undefined) throw new Error(`${name} has no process id`);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  return {
    name,
    pid: child.pid,
    port,
    stop: async () => {
      ask();
      const timer = setTimeout(kill, 15_000);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
      process.off("exit", kill);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode} before it listened`);
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.once("connect", () => socket.destroy());
      socket.once("error", () => resolve(false));
    });
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("mosquitto did not listen within 10 s");
}

/** Debian keeps servers in /usr/sbin, which is not on every user's path. */
function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` };
}
