import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { type Address, MitmError, type Transport } from "../../mitm/index.ts";
import { printable } from "../printable.ts";
import { isLoopback } from "./address.ts";
import type { Interruption } from "./interruption.ts";

/** How long a program is given to end by itself before it is killed. */
const graceMs = 2_000;
const keptOutput = 4_000;

/** How it is told that a program is up. */
export interface Readiness {
  ready(): Promise<boolean>;
  /** Whether somebody else is where the program is to be: it could not come up, and the lab would attack that one. */
  taken(): Promise<boolean>;
}

/** A target that the lab starts, and starts again when it serves nobody any more. It ends with the run. */
class StartedProgram {
  readonly #command: string;
  readonly #readiness: Readiness;
  readonly #signal: AbortSignal;
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #output = "";

  /** @param command for `sh -c` */
  constructor(command: string, readiness: Readiness, signal: AbortSignal) {
    this.#command = command;
    this.#readiness = readiness;
    this.#signal = signal;
  }

  /**
   * Starts it anew. Throws MitmError MITM_TARGET_FAILED where it ends before it is ready, that takes longer than
   * `timeoutMs`, or the command is to end.
   */
  async start(timeoutMs = 20_000): Promise<void> {
    await this.stop();
    this.#output = "";
    await this.#free();
    // A group of its own: the shell's children end with it. Its input stays open, since some programs end with that.
    const child = spawn("sh", ["-c", this.#command], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    if (child.pid !== undefined) this.#guard = guardOf(child.pid);
    child.on("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutput);
      });
    }
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      if (this.#signal.aborted) throw this.#failed("it was not ready yet when the lab was told to end");
      if (child.exitCode !== null || child.signalCode !== null) throw this.#failed("it ended at once");
      if (await this.#readiness.ready()) return;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    throw this.#failed(`it was not ready after ${timeoutMs / 1_000} s`);
  }

  /** @param patienceMs how long it may take to end by itself */
  async stop(patienceMs: number = graceMs): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid !== undefined) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        killGroup(child.pid, "SIGTERM");
        const late = setTimeout(() => child.pid !== undefined && killGroup(child.pid, "SIGKILL"), patienceMs);
        await ended;
        clearTimeout(late);
      }
      // What the shell has left behind.
      killGroup(child.pid, "SIGKILL");
    }
    // What has left the group may hold its ends of these for ever, and this process must not wait for that.
    for (const stream of [child?.stdin, child?.stdout, child?.stderr]) stream?.destroy();
    this.#guard?.kill("SIGKILL");
    this.#guard = undefined;
  }

  /** What was stopped may take a moment to give up its port. */
  async #free(): Promise<void> {
    const deadline = performance.now() + graceMs;
    while (await this.#readiness.taken()) {
      if (performance.now() > deadline) throw this.#failed("another program is at its address already");
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  #failed(why: string): MitmError {
    const said = printable(this.#output.trim().slice(-500));
    const last = said === "" ? "" : `; it said: ${said}`;
    return new MitmError(
      "MITM_TARGET_FAILED",
      `the target was not started by \`${this.#command}\`: ${why}${last}`,
    );
  }
}

/**
 * Kills a process group as soon as this process is gone, however it ended (SIGKILL, a crash): what reads from a pipe that
 * only this process can write to comes to its end then.
 */
function guardOf(group: number): ChildProcess {
  const guard = spawn("sh", ["-c", 'read -r _; kill -s KILL -- "-$1"', "guard", String(group)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => undefined);
  guard.stdin?.on("error", () => undefined);
  guard.unref();
  return guard;
}

/** Runs `work` with the program that a command starts, if one was given, and ends it afterwards. */
export async function withProgram<T>(
  interruption: Interruption,
  command: string | undefined,
  readiness: Readiness,
  work: (restart: (() => Promise<void>) | undefined) => Promise<T>,
): Promise<T> {
  if (command === undefined) return await work(undefined);
  const program = new StartedProgram(command, readiness, interruption.signal);
  const off = interruption.onHurry(() => program.stop(0));
  try {
    await program.start();
    return await work(() => program.start());
  } finally {
    await program.stop();
    off();
  }
}

/** Nothing of a device can be waited for but its first connection. */
export const atOnce: Readiness = {
  ready: () => Promise.resolve(true),
  taken: () => Promise.resolve(false),
};

/** Whether somebody on this machine listens there. */
export function listens({ host, port }: Address, transport: Transport): Readiness {
  if (transport === "tls") {
    const is = () => accepts(host, port);
    return { ready: is, taken: is };
  }
  return {
    ready: () => (isOfThisMachine(host) ? holdsUdpPort(port) : aMoment()),
    // An address of another machine cannot be bound either, and says nothing of who is there.
    taken: async () => (await bindingFails(host, port)) === "EADDRINUSE",
  };
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    // Where datagrams are thrown away no answer would come for minutes.
    socket.setTimeout(connectMs, () => done(false));
    socket.once("error", () => done(false)).once("connect", () => done(true));
  });
}

/**
 * Whether a program of this machine has the port. Read from the kernel's table: a look by binding it would itself be in
 * the way of a program that is just coming up. Where there is no such table, a moment has to do.
 */
async function holdsUdpPort(port: number): Promise<boolean> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  try {
    const tables = await Promise.all(
      ["/proc/net/udp", "/proc/net/udp6"].map(async (table) => await readFile(table, "utf8")),
    );
    return tables.some((table) =>
      table.split("\n").some((line) => line.trim().split(/\s+/)[1]?.endsWith(hex)),
    );
  } catch {
    return await aMoment();
  }
}

async function aMoment(): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, udpStartMs));
  return true;
}

const udpStartMs = 500;

function isOfThisMachine(host: string): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return isLoopback(host) || addresses.some(({ address }) => address === host);
}

/** Nobody answers over UDP without being asked the right thing; but a port that is taken can be told. */
function bindingFails(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? "unknown");
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

const pollMs = 50;
const connectMs = 1_000;

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
    return;
  }
}
