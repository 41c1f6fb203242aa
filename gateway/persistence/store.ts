import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { GatewayError } from "../errors.ts";
import type { DatabaseOptions } from "./database.ts";
import { nothingStored, type Operation, type StoredContents } from "./operations.ts";
import type { FromWorker, ToWorker, WorkerInput } from "./worker.ts";

/** Where operations become durable. One `apply` at a time. */
export interface Store {
  readonly contents: StoredContents;
  /** Resolves when all of them are durable; rejects when none of them can be relied upon. */
  apply(operations: readonly Operation[]): Promise<void>;
  close(): Promise<void>;
  /** Called at most once, when the store dies while nothing is being applied. */
  onDeath?: (error: GatewayError) => void;
}

/** For a gateway without a state directory: the bounds and the rules of the persistence, and nothing on disk. */
export function memoryStore(): Store {
  return { contents: nothingStored, apply: () => Promise.resolve(), close: () => Promise.resolve() };
}

export interface FileOptions extends DatabaseOptions {
  /** Told of the thread, so that a test can end it. */
  readonly onWorker?: (worker: Worker) => void;
}

/** Opens the file in a thread of its own. Rejects with the GatewayError that the thread met. */
export async function openFileStore(path: string, now: number, options: FileOptions): Promise<Store> {
  // The extension of this very file: .ts under a runtime that strips types, .js in the build.
  const file = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
  const { onWorker, ...rest } = options;
  const workerData: WorkerInput = { path, now, ...rest };
  // Of the process's own flags only those that keep Node quiet: others (--input-type, --import) are for its main file.
  const execArgv = process.execArgv.filter((flag) => flag.startsWith("--disable-warning"));
  const worker = new Worker(file, { workerData, execArgv, name: "sallyport-broker-state" });
  onWorker?.(worker);
  const store = new WorkerStore(worker);
  await store.opened;
  return store;
}

class WorkerStore implements Store {
  contents: StoredContents = nothingStored;
  onDeath?: (error: GatewayError) => void;
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  #waiting: { resolve: () => void; reject: (error: GatewayError) => void } | undefined;
  #dead: GatewayError | undefined;
  #closed = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("messageerror", (error) => this.#die(failure("its answer cannot be read", error)));
    worker.on("error", (error) => this.#die(failure("it threw", error)));
    worker.on("exit", (status) => {
      if (this.#closed) this.#settle();
      else this.#die(failure(`it ended with status ${status}`));
    });
    this.opened = this.#wait();
  }

  apply(operations: readonly Operation[]): Promise<void> {
    return this.#send({ apply: operations });
  }

  async close(): Promise<void> {
    if (this.#dead === undefined) await this.#send({ close: true });
    this.#closed = true;
    await this.#worker.terminate();
  }

  #send(message: ToWorker): Promise<void> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    const done = this.#wait();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    this.#worker.postMessage(message);
    return done;
  }

  /** The process may end while the store is idle, never while something is on its way to the disk. */
  #wait(): Promise<void> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    waiting?.resolve();
  }

  #receive(message: FromWorker): void {
    if ("failed" in message) {
      this.#die(new GatewayError(message.failed.code, message.failed.message));
      return;
    }
    if ("opened" in message) this.contents = message.opened;
    if ("closed" in message) this.#closed = true;
    this.#settle();
  }

  #die(error: GatewayError): void {
    if (this.#dead !== undefined) return;
    this.#dead = error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    if (waiting === undefined) this.onDeath?.(error);
    else waiting.reject(error);
  }
}

function failure(detail: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "GATEWAY_STATE_FAILED",
    `the thread that writes the broker state failed: ${detail}`,
    {
      cause,
    },
  );
}
