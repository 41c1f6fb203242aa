/* oxlint-disable unicorn/require-post-message-target-origin -- these ports are threads, not windows */
import { MessagePort, workerData } from "node:worker_threads";
import type { Address } from "../association/settings.ts";
import { keyOf } from "./addresses.ts";
import { invalid } from "./option-checks.ts";

/** What an endpoint does for the others on its port. */
export interface WorkerSink {
  /** A datagram that another worker got, for an association of ours. */
  onForwarded(datagram: Uint8Array, from: Address): void;
  /** Another worker has an association, without connection ids, with the peer at this address. */
  onTakenOver(from: Address): void;
  onClose(): void;
}

/** One of several threads that listen on one port: which one, and how it reaches the others. */
export interface WorkerPlace {
  /** 0 to 255: the first byte of the connection ids made here. */
  readonly index: number;
  /** For all workers the same, so that a client resumes wherever its datagrams get to. */
  readonly ticketKeys: Uint8Array;
  attach(sink: WorkerSink): void;
  /** Hands a datagram to the worker whose association it is for. False: nobody is there, or too much is under way. */
  forward(index: number, datagram: Uint8Array, from: Address): boolean;
  /** Which other worker has the association of an address, where it has no connection ids to tell. */
  ownerOf(key: string): number | undefined;
  /** An association without connection ids is here; until `disown`. */
  own(address: Address): void;
  disown(address: Address): void;
}

/** What `startWorkers` puts into the data of a worker. */
export interface PlaceData {
  readonly index: number;
  readonly ticketKeys: Uint8Array;
  /** From the thread that started the workers: ports to others, and the end. */
  readonly control: MessagePort;
}

/** Said on the control port. */
export type ControlMessage =
  | { readonly type: "peer"; readonly index: number; readonly port: MessagePort }
  | { readonly type: "close" };

/** Said from worker to worker. Addresses are `[address, port]`. */
type PeerMessage =
  | { readonly type: "datagrams"; readonly batch: readonly Forwarded[] }
  /** A batch has been dealt with. */
  | { readonly type: "done" }
  | { readonly type: "own"; readonly addresses: readonly Wire[] }
  | { readonly type: "disown"; readonly addresses: readonly Wire[] };

type Wire = readonly [address: string, port: number];
type Forwarded = readonly [datagram: Uint8Array, address: string, port: number];

/** Of datagrams to one worker: in a batch, and of batches that it has not dealt with. Beyond, they are lost as on the way. */
const largestBatch = 256;
const mostBatches = 8;

const dataKey = "dtlsWorker";

/** The place of this thread among those of `startWorkers`; for the option `worker` of `listen`. */
export function workerPlace(): WorkerPlace {
  const data: unknown = workerData;
  if (typeof data !== "object" || data === null || !(dataKey in data)) {
    throw invalid("workerPlace is for threads that startWorkers started");
  }
  const place = data[dataKey];
  if (!isPlaceData(place)) throw invalid("workerPlace is for threads that startWorkers started");
  return placeOf(place);
}

export function placeOf(data: PlaceData): WorkerPlace {
  return new ThreadPlace(data);
}

export function withPlace(data: object, place: PlaceData): object {
  return { ...data, [dataKey]: place };
}

class ThreadPlace implements WorkerPlace {
  readonly index: number;
  readonly ticketKeys: Uint8Array;
  readonly #siblings = new Map<number, Sibling>();
  /** Addresses of associations here that have no connection ids. */
  readonly #own = new Map<string, Address>();
  /** The same of all other workers. */
  readonly #elsewhere = new Map<string, number>();
  #sink: WorkerSink | undefined;

  constructor({ index, ticketKeys, control }: PlaceData) {
    this.index = index;
    this.ticketKeys = ticketKeys;
    control.on("message", (message: ControlMessage) => {
      if (message.type === "close") this.#sink?.onClose();
      else this.#meet(message.index, message.port);
    });
    control.unref();
  }

  attach(sink: WorkerSink): void {
    if (this.#sink !== undefined) throw invalid("worker: one endpoint of a thread has the place, not two");
    this.#sink = sink;
  }

  forward(index: number, datagram: Uint8Array, from: Address): boolean {
    return this.#siblings.get(index)?.forward([datagram, from.address, from.port]) ?? false;
  }

  ownerOf(key: string): number | undefined {
    return this.#elsewhere.get(key);
  }

  own(address: Address): void {
    this.#own.set(keyOf(address), address);
    this.#tell({ type: "own", addresses: [[address.address, address.port]] });
  }

  disown(address: Address): void {
    if (!this.#own.delete(keyOf(address))) return;
    this.#tell({ type: "disown", addresses: [[address.address, address.port]] });
  }

  #tell(message: PeerMessage): void {
    for (const sibling of this.#siblings.values()) sibling.port.postMessage(message);
  }

  /** A worker, or the one that took the place of an earlier one. */
  #meet(index: number, port: MessagePort): void {
    this.#siblings.get(index)?.port.close();
    this.#forget(index);
    const sibling = new Sibling(port);
    this.#siblings.set(index, sibling);
    port.on("message", (message: PeerMessage) => this.#hear(index, sibling, message));
    port.on("close", () => {
      if (this.#siblings.get(index) !== sibling) return;
      this.#siblings.delete(index);
      this.#forget(index);
    });
    port.unref();
    const addresses = [...this.#own.values()].map(({ address, port: number }): Wire => [address, number]);
    if (addresses.length > 0) port.postMessage({ type: "own", addresses } satisfies PeerMessage);
  }

  #hear(index: number, sibling: Sibling, message: PeerMessage): void {
    switch (message.type) {
      case "datagrams":
        for (const [datagram, address, port] of message.batch) {
          this.#sink?.onForwarded(datagram, { address, port });
        }
        sibling.port.postMessage({ type: "done" } satisfies PeerMessage);
        return;
      case "done":
        sibling.underWay -= 1;
        return;
      case "own":
        for (const [address, port] of message.addresses) {
          this.#elsewhere.set(keyOf({ address, port }), index);
          this.#sink?.onTakenOver({ address, port });
        }
        return;
      case "disown":
        for (const [address, port] of message.addresses) {
          const key = keyOf({ address, port });
          if (this.#elsewhere.get(key) === index) this.#elsewhere.delete(key);
        }
        return;
    }
  }

  #forget(index: number): void {
    for (const [key, owner] of this.#elsewhere) if (owner === index) this.#elsewhere.delete(key);
  }
}

class Sibling {
  readonly port: MessagePort;
  underWay = 0;
  #batch: Forwarded[] = [];

  constructor(port: MessagePort) {
    this.port = port;
  }

  /** With all others of the turn: a message to a thread costs as much as a datagram. */
  forward(forwarded: Forwarded): boolean {
    if (this.#batch.length >= largestBatch || this.underWay >= mostBatches) return false;
    this.#batch.push(forwarded);
    if (this.#batch.length === 1) setImmediate(() => this.#flush());
    return true;
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.underWay += 1;
    this.port.postMessage({ type: "datagrams", batch } satisfies PeerMessage);
  }
}

function isPlaceData(value: unknown): value is PlaceData {
  return (
    typeof value === "object" &&
    value !== null &&
    "index" in value &&
    typeof value.index === "number" &&
    "ticketKeys" in value &&
    value.ticketKeys instanceof Uint8Array &&
    "control" in value &&
    value.control instanceof MessagePort
  );
}
