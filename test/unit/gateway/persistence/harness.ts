import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { onTestFinished } from "vitest";
import type { GatewayError } from "../../../../gateway/errors.ts";
import { Database } from "../../../../gateway/persistence/database.ts";
import type { PublishedPacket } from "../../../../gateway/persistence/inbox.ts";
import {
  nothingStored,
  type Operation,
  type StoredContents,
} from "../../../../gateway/persistence/operations.ts";
import { type PersistenceOptions, SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import type { Store } from "../../../../gateway/persistence/store.ts";

/** A store whose disk answers when the test says so. */
export class SlowStore implements Store {
  readonly contents: StoredContents = nothingStored;
  readonly transactions: (readonly Operation[])[] = [];
  onDeath?: (error: GatewayError) => void;
  #answer: { resolve: () => void; reject: (error: Error) => void } | undefined;

  apply(operations: readonly Operation[]): Promise<void> {
    this.transactions.push(operations);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The transaction on its way is on disk. */
  async written(): Promise<void> {
    await turns();
    this.#answer?.resolve();
    await turns();
  }

  async failed(message: string): Promise<void> {
    await turns();
    this.#answer?.reject(new Error(message));
    await turns();
  }
}

/** A store in this thread: on a real file, without the waiting for a worker. */
export function directStore(path: string, now = Date.now()): Store {
  const database = new Database(path, { dangerouslySynchronous: "off" });
  return {
    contents: database.contents(now),
    apply: async (operations) => database.apply(operations),
    close: async () => database.close(),
  };
}

export function openDirect(path: string, options: PersistenceOptions = {}): SqlitePersistence {
  return new SqlitePersistence(directStore(path, options.now?.()), options);
}

/** Enough turns of the event loop for everything that does not wait for a disk. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

export function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-state-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "broker.sqlite");
}

let counter = 0;

/** A PUBLISH as it comes in. */
export function publish(
  topic: string,
  payload: string,
  rest: Partial<PublishedPacket> = {},
): PublishedPacket {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false, ...rest };
}

/** The numbered copy that aedes makes of a packet before it asks to store it. */
export function aedesCopy(packet: PublishedPacket) {
  return { ...packet, cmd: "publish" as const, brokerId: "broker", brokerCounter: ++counter };
}

/** What aedes does with a packet once it may be published. */
export async function distribute(persistence: SqlitePersistence, packet: PublishedPacket) {
  const copy = aedesCopy(packet);
  if (copy.retain) await persistence.storeRetained(copy);
  await persistence.outgoingEnqueueCombi(await persistence.subscriptionsByTopic(copy.topic), copy);
  return copy;
}

export interface Streamed {
  cmd: string;
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  dup: boolean;
  retain: boolean;
  messageId: number | undefined;
  brokerId: string;
  brokerCounter: number;
}

export async function queueOf(persistence: SqlitePersistence, id: string): Promise<Streamed[]> {
  return persistence.outgoingStream({ id }).toArray();
}

export async function payloadsOf(persistence: SqlitePersistence, id: string): Promise<string[]> {
  return (await queueOf(persistence, id)).map((packet) => packet.payload.toString());
}

/** Whether a promise has settled after everything that does not wait for the disk has run. */
export async function settledBy(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => (state = "resolved"),
    () => (state = "rejected"),
  );
  await turns();
  return state;
}

/** How a promise was rejected: the error's code or, without one, its message; undefined when it was not. */
export async function refusalOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return "code" in error ? String(error.code) : error.message;
  }
}
