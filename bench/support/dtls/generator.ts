import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../../test/support/dtls-peers/build.ts";
import { type DtlsPki, serverName } from "./pki.ts";
import type { RunningServer } from "./servers.ts";

/** What load.c answers to a command. */
export interface Measured {
  readonly operations: number;
  readonly wallMs: number;
  /** CPU time of the server inside the window, all threads. */
  readonly cpuNs: number;
  /** Near wallMs: the wall rate is the generator's, not the server's. */
  readonly generatorCpuMs: number;
  readonly failures: number;
  readonly notResumed: number;
  /** Half seconds in which nothing came back. */
  readonly stalls: number;
  readonly held: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The load generator, compiled with the newest OpenSSL that can be had. */
export async function buildGenerator(): Promise<string> {
  const source = fileURLToPath(new URL("./load.c", import.meta.url));
  const newer = await buildProgram(source, "openssl", { newer: true });
  const built = "whyNot" in newer ? await buildProgram(source, "openssl") : newer;
  if ("whyNot" in built) throw new Error(`the load generator cannot be built: ${built.whyNot}`);
  return built.program;
}

/** One process of load.c, for one server. */
export class Generator {
  readonly #child: ChildProcessWithoutNullStreams;
  #answered: ((line: string) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #complaint = "";

  constructor(program: string, server: RunningServer, pki: DtlsPki) {
    this.#child = spawn(program, [
      String(server.port),
      String(server.pid),
      pki.identities,
      pki.ca,
      serverName,
    ]);
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#answered?.(line));
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#complaint += chunk.toString();
    });
    // A command that meets a generator which ended is answered by "close".
    this.#child.stdin.on("error", () => {});
    this.#child.on("close", () => {
      this.#failed?.(new Error(`load generator: ${this.#complaint.trim() || "it ended"}`));
    });
  }

  /** `concurrency` handshakes under way at once, of the first `clients` clients in turn. */
  async handshakes(
    kind: "full" | "resumed",
    concurrency: number,
    clients: number,
    settleMs: number,
    windowMs: number,
  ): Promise<Measured> {
    this.#child.stdin.write(`clients ${clients}\n`);
    return await this.#command(`${kind} ${concurrency} ${settleMs} ${windowMs}`, settleMs + windowMs);
  }

  /** Associations until `count` are held. */
  async hold(count: number, concurrency: number): Promise<Measured> {
    return await this.#command(`hold ${count} ${concurrency}`, 10_000 + count * 20);
  }

  /** `outstanding` messages of 100 bytes under way at once, over all held associations in turn. */
  async echo(outstanding: number, settleMs: number, windowMs: number): Promise<Measured> {
    return await this.#command(`echo ${outstanding} ${settleMs} ${windowMs}`, settleMs + windowMs);
  }

  async release(): Promise<Measured> {
    return await this.#command("release", 60_000);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  async #command(command: string, expectedMs: number): Promise<Measured> {
    if (this.#child.exitCode !== null) throw new Error(`load generator: ${this.#complaint.trim()}`);
    let timer: NodeJS.Timeout | undefined;
    try {
      const line = await new Promise<string>((resolve, reject) => {
        this.#answered = resolve;
        this.#failed = reject;
        timer = setTimeout(() => {
          this.stop();
          reject(new Error(`load generator: "${command}" took too long`));
        }, expectedMs + 30_000);
        this.#child.stdin.write(`${command}\n`);
      });
      const measured: Measured = JSON.parse(line);
      return measured;
    } finally {
      clearTimeout(timer);
      this.#answered = undefined;
      this.#failed = undefined;
    }
  }
}
