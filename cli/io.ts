import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CliError } from "./errors.ts";

/** A stream that text is written to; `isTTY` decides about colours and progress bars. */
type TextStream = NodeJS.WritableStream & {
  isTTY?: boolean;
  columns?: number;
  readonly writableLength?: number;
};

/** Everything a verb knows of the process around it, so that tests run verbs in theirs. */
export interface Io {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current time. */
  readonly now: () => Date;
  /** Calls back on a signal until the returned function is called. */
  onSignal(signal: Signal, listener: () => void): () => void;
  /** Calls back when stdout takes no more (its disk is full), where that would otherwise end the process. */
  onLostOutput?(listener: (error: NodeJS.ErrnoException) => void): void;
  /** From now on a stdout that takes no more does not end the process: something has to be undone, and an exit code told. */
  outliveOutput?(): void;
  /** Asks for a secret without echo; undefined when nobody is there to answer. */
  askSecret?(question: string): Promise<string>;
}

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The process's own streams and signals. `failed` says what a stdout that takes no more means, and is the exit code. */
export function processIo(failed: (error: NodeJS.ErrnoException) => number): Io {
  let onLost: ((error: NodeJS.ErrnoException) => void) | undefined;
  let outlives = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (outlives) {
      if (error.code === "EPIPE") return;
      const code = failed(error);
      process.once("exit", () => (process.exitCode = code));
      return;
    }
    // `sallyport device list | head` ends early and that is no failure.
    if (error.code === "EPIPE") process.exit(0);
    if (onLost === undefined) process.exit(failed(error));
    onLost(error);
  });
  // There is nowhere left to say it.
  process.stderr.on("error", () => {});
  const interactive = process.stdin.isTTY && process.stderr.isTTY;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: () => new Date(),
    onSignal(signal, listener) {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
    onLostOutput(listener) {
      onLost = listener;
    },
    outliveOutput() {
      outlives = true;
    },
    ...(interactive ? { askSecret } : {}),
  };
}

function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  // readline echoes what is typed to its output: this one swallows it.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once("SIGINT", () => {
      lines.close();
      process.stderr.write("\n");
      reject(new CliError("CLI_PASSPHRASE", "interrupted before a passphrase was given: nothing was done"));
    });
    lines.question("", (answer) => {
      lines.close();
      process.stderr.write("\n");
      resolve(answer);
    });
  });
}
