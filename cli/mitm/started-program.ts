import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, isIPv6 } from "node:net";
import { type Address, MitmError, type Transport } from "../../mitm/index.ts";

/** How long a program is given to end by itself before it is killed. */
const graceMs = 2_000;
const keptOutput = 4_000;

/** A target that the lab starts, and starts again when it serves nobody any more. It ends with the run. */
class StartedProgram {
  readonly #command: string;
  #child: ChildProcess | undefined;
  #output = "";

  /** @param command for `sh -c` */
  constructor(command: string) {
    this.#command = command;
  }

  /** @throws MitmError MITM_TARGET_FAILED where it ends before `ready` says yes, or that takes longer than `timeoutMs` */
  async start(ready: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    await this.stop();
    this.#output = "";
    // A group of its own: the shell's children end with it. Its input stays open, since some programs end with that.
    const child = spawn("sh", ["-c", this.#command], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    child.on("error", () => undefined);
    child.stdin?.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutput);
      });
    }
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) throw this.#failed("it ended at once");
      if (await ready()) return;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    throw this.#failed(`it was not ready after ${timeoutMs / 1_000} s`);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    killGroup(child.pid, "SIGTERM");
    const late = setTimeout(() => child.pid !== undefined && killGroup(child.pid, "SIGKILL"), graceMs);
    await ended;
    clearTimeout(late);
    // What the shell has left behind.
    killGroup(child.pid, "SIGKILL");
  }

  #failed(why: string): MitmError {
    const said = this.#output.trim();
    const last = said === "" ? "" : `; it said: ${said.slice(-500)}`;
    return new MitmError(
      "MITM_TARGET_FAILED",
      `the target was not started by \`${this.#command}\`: ${why}${last}`,
    );
  }
}

/** Runs `work` with the program that a command starts, if one was given, and ends it afterwards. */
export async function withProgram<T>(
  command: string | undefined,
  ready: () => Promise<boolean>,
  work: (restart: (() => Promise<void>) | undefined) => Promise<T>,
): Promise<T> {
  if (command === undefined) return await work(undefined);
  const program = new StartedProgram(command);
  try {
    await program.start(ready);
    return await work(() => program.start(ready));
  } finally {
    await program.stop();
  }
}

/** Whether somebody on this machine listens there. */
export function listens({ host, port }: Address, transport: Transport): () => Promise<boolean> {
  return transport === "tls" ? () => accepts(host, port) : () => isBound(host, port);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Nobody answers over UDP without being asked the right thing; but a port that is taken can be told. */
function isBound(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    socket.once("error", () => {
      socket.close();
      resolve(true);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(false)));
  });
}

const pollMs = 50;

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
    return;
  }
}
