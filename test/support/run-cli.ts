import { Writable } from "node:stream";
import type { Io, Signal } from "../../cli/io.ts";
import { run } from "../../cli/program.ts";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Record<string, string>;
  readonly now?: () => Date;
  readonly askSecret?: (question: string) => Promise<string>;
}

/** Runs one command line in this process and waits for its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await startCli(args, options).done;
}

/** A command that runs until it is told to stop, such as `start`. */
export interface RunningCli {
  readonly done: Promise<CliResult>;
  stdout(): string;
  stderr(): string;
  signal(signal: Signal): void;
  /** Resolves with the first match in stdout; fails at the end of the command or after `timeoutMs`. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const stdout = new Captured();
  const stderr = new Captured();
  const listeners = new Map<Signal, Set<() => void>>();
  const io: Io = {
    stdout,
    stderr,
    env: options.env ?? {},
    now: options.now ?? (() => new Date()),
    onSignal(signal, listener) {
      const set = listeners.get(signal) ?? new Set();
      listeners.set(signal, set.add(listener));
      return () => set.delete(listener);
    },
    ...(options.askSecret && { askSecret: options.askSecret }),
  };
  let ended = false;
  const done = run(args, io).then((exitCode): CliResult => {
    ended = true;
    return { exitCode, stdout: stdout.text, stderr: stderr.text };
  });
  return {
    done,
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    signal: (signal) => {
      for (const listener of listeners.get(signal) ?? []) listener();
    },
    async waitFor(pattern, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(stdout.text);
        if (match) return match;
        if (ended || Date.now() > deadline) {
          throw new Error(`${pattern} did not come; stdout: ${stdout.text}; stderr: ${stderr.text}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

class Captured extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
