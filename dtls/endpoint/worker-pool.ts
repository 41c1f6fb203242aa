/* oxlint-disable unicorn/require-post-message-target-origin -- these ports are threads, not windows */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { invalid, wholeNumber } from "./option-checks.ts";
import { ticketKeyLength } from "./tickets.ts";
import { type ControlMessage, withPlace } from "./worker-place.ts";

export interface WorkerPoolOptions {
  /** Threads, 1 to 256; default one for each processor. It cannot be changed later: see `startWorkers`. */
  readonly count?: number | undefined;
  /** What the threads find in their `workerData`, as an object. */
  readonly workerData?: object | undefined;
  /** As the option of `listen`; default random ones for the life of this pool. */
  readonly ticketKeys?: Uint8Array | undefined;
}

export interface WorkerPoolEvents {
  /** A thread ended without being told to; another one takes its place. */
  exit: [worker: { readonly index: number; readonly code: number }];
  error: [error: unknown];
}

/** Before a thread that ended is started again, in milliseconds; doubled while it does not live as long as the second. */
const restartMs = { first: 100, most: 10_000 } as const;
const closeMs = 5_000;

/**
 * Runs `file` in several threads, each of which listens on the same port:
 *
 *     // main.ts
 *     await using workers = startWorkers(new URL("worker.ts", import.meta.url), { count: 4 });
 *     // worker.ts
 *     listen(onsession, { port: 5684, cert, key, ca, worker: workerPlace() });
 *
 * The system gives each datagram to one of the sockets by its addresses. A client whose address changes is given to
 * another one then; so are half of all clients whenever a socket comes or goes. Each association stays in the thread
 * that it began in: a datagram that reaches another one is handed on to it, by the first byte of its connection id, or,
 * where there is none, by a table of addresses that the threads keep for each other. A thread that dies is replaced
 * under its number. Bounds such as `maxSessions` are those of one thread.
 */
export function startWorkers(file: URL | string, options: WorkerPoolOptions = {}): WorkerPool {
  const count = wholeNumber("count", options.count ?? availableParallelism(), [1, 256]);
  const { workerData = {}, ticketKeys = randomBytes(ticketKeyLength) } = options;
  if (typeof workerData !== "object" || workerData === null) throw invalid("workerData must be an object");
  return new WorkerPool(file, count, workerData, ticketKeys);
}

interface Place {
  worker: Worker;
  control: MessagePort;
  startedAt: number;
  delayMs: number;
}

export class WorkerPool extends EventEmitter<WorkerPoolEvents> implements AsyncDisposable {
  readonly #file: URL | string;
  readonly #workerData: object;
  readonly #ticketKeys: Uint8Array;
  readonly #places: (Place | undefined)[];
  readonly #restarts = new Set<NodeJS.Timeout>();
  #isClosing = false;

  /** Made by `startWorkers` alone. */
  constructor(file: URL | string, count: number, workerData: object, ticketKeys: Uint8Array) {
    super();
    this.#file = file;
    this.#workerData = workerData;
    this.#ticketKeys = ticketKeys;
    this.#places = Array.from({ length: count }, () => undefined);
    for (let index = 0; index < count; index++) this.#start(index, restartMs.first);
  }

  /** Those that run now, by their index. */
  get workers(): readonly (Worker | undefined)[] {
    return this.#places.map((place) => place?.worker);
  }

  /** Closes their endpoints, in order, and waits for the threads to end; after five seconds they are ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all(this.#places.flatMap((place) => (place === undefined ? [] : [end(place)])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #start(index: number, delayMs: number): void {
    const { port1: control, port2: theirs } = new MessageChannel();
    const place = { index, ticketKeys: this.#ticketKeys, control: theirs };
    const worker = new Worker(this.#file, {
      workerData: withPlace(this.#workerData, place),
      transferList: [theirs],
    });
    const own: Place = { worker, control, startedAt: performance.now(), delayMs };
    this.#places[index] = own;
    worker.on("error", (error) => {
      if (this.listenerCount("error") > 0) this.emit("error", error);
      else process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on("exit", (code) => this.#onExit(index, own, code));
    for (const [other, existing] of this.#places.entries()) {
      if (existing === undefined || other === index) continue;
      const { port1, port2 } = new MessageChannel();
      introduce(existing.control, index, port1);
      introduce(control, other, port2);
    }
  }

  #onExit(index: number, place: Place, code: number): void {
    place.control.close();
    if (this.#places[index] === place) this.#places[index] = undefined;
    if (this.#isClosing) return;
    this.emit("exit", { index, code });
    const lived = performance.now() - place.startedAt;
    const delayMs = lived > place.delayMs ? restartMs.first : Math.min(2 * place.delayMs, restartMs.most);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      if (!this.#isClosing) this.#start(index, delayMs);
    }, delayMs);
    this.#restarts.add(timer);
  }
}

function introduce(control: MessagePort, index: number, port: MessagePort): void {
  control.postMessage({ type: "peer", index, port } satisfies ControlMessage, [port]);
}

async function end({ worker, control }: Place): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.once("exit", () => resolve());
  control.postMessage({ type: "close" } satisfies ControlMessage);
  const timer = setTimeout(() => void worker.terminate(), closeMs);
  await promise;
  clearTimeout(timer);
}
