import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** The programs of the list that cannot be run here. */
export function missing(...programs: readonly string[]): string {
  return programs.filter((program) => spawnSync(program, ["--help"]).error !== undefined).join(", ");
}

/** Why tests are skipped, for their title; empty where nothing is missing. */
export function skipped(programs: string): string {
  return programs === "" ? "" : ` (skipped: ${programs} is not installed)`;
}

/** How a program ended; `exitCode` is null when a signal ended it. */
export interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
}

/** An outside program that runs. */
export interface Running {
  readonly child: ChildProcess;
  output(): string;
  ended(): Promise<Ended>;
}

/** Starts a program; after twenty seconds it is ended, so that no test leaves one behind. */
export function start(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: "pipe", timeout: 20_000 });
  let output = "";
  const keep = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const closed = once(child, "close");
  return {
    child,
    output: () => output,
    async ended() {
      const [exitCode] = await closed;
      return { exitCode: typeof exitCode === "number" ? exitCode : null, output };
    },
  };
}

/** Runs a program without input to its end. */
export async function run(program: string, args: readonly string[]): Promise<Ended> {
  const running = start(program, args);
  running.child.stdin?.end();
  return await running.ended();
}
