import { DeviceError } from "./errors.ts";

export type QoS = 0 | 1 | 2;

/** A message between `publish()` and its settlement. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly resolve: () => void;
  readonly reject: (error: DeviceError) => void;
}

export interface QueueLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** `reject`: the new message is refused. `drop-oldest`: the oldest waiting messages make room and are rejected. */
  readonly overflow: "reject" | "drop-oldest";
}

interface Entry {
  readonly sequence: number;
  readonly message: Outgoing;
}

/**
 * Every unsettled message, waiting or in flight, bounded by count and by bytes.
 *
 * Messages in flight count too: a gateway that accepts and never acknowledges must not grow the device's memory.
 * They are never dropped, because the gateway may already have them.
 */
export class OfflineQueue {
  readonly #limits: QueueLimits;
  #waiting: Entry[] = [];
  readonly #inFlight = new Map<Outgoing, Entry>();
  #bytes = 0;
  #sequence = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Octets of topics and payloads, waiting and in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a message, or throws DEVICE_QUEUE_FULL; under `drop-oldest` older waiting messages are rejected with it. */
  add(message: Outgoing): void {
    const size = sizeOf(message);
    if (this.#limits.overflow === "drop-oldest") this.#makeRoom(size);
    if (!this.#fits(size)) {
      throw new DeviceError(
        "DEVICE_QUEUE_FULL",
        `${this.waiting + this.inFlight} messages (${this.#bytes} bytes) wait for the gateway already: ` +
          "await earlier publishes, or raise queue.maxMessages or queue.maxBytes",
      );
    }
    this.#waiting.push({ sequence: this.#sequence++, message });
    this.#bytes += size;
  }

  /** The oldest waiting message, now in flight. */
  take(): Outgoing | undefined {
    const entry = this.#waiting.shift();
    if (entry) this.#inFlight.set(entry.message, entry);
    return entry?.message;
  }

  /** A message in flight is settled: true if it was still ours to settle. */
  settle(message: Outgoing): boolean {
    const known = this.#inFlight.delete(message);
    if (known) this.#bytes -= sizeOf(message);
    return known;
  }

  /** A message in flight did not get through: it waits again, in its old place. */
  restore(message: Outgoing): void {
    const entry = this.#inFlight.get(message);
    if (!entry) return;
    this.#inFlight.delete(message);
    const at = this.#waiting.findIndex((other) => other.sequence > entry.sequence);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, entry);
  }

  /** The messages in flight that `matches` picks. */
  flying(matches: (message: Outgoing) => boolean): Outgoing[] {
    return [...this.#inFlight.keys()].filter(matches);
  }

  /** Empties the queue, rejecting everything in it. */
  rejectAll(error: () => DeviceError): void {
    const all = [...this.#inFlight.keys(), ...this.#waiting.map((entry) => entry.message)];
    this.#inFlight.clear();
    this.#waiting = [];
    this.#bytes = 0;
    for (const message of all) message.reject(error());
  }

  #fits(size: number): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.waiting + this.inFlight < maxMessages && this.#bytes + size <= maxBytes;
  }

  #makeRoom(size: number): void {
    // A message that could not fit into an empty queue must not empty it.
    if (size > this.#limits.maxBytes) return;
    while (!this.#fits(size)) {
      const oldest = this.#waiting.shift();
      if (!oldest) return;
      this.#bytes -= sizeOf(oldest.message);
      oldest.message.reject(
        new DeviceError("DEVICE_QUEUE_FULL", "dropped for a newer message: the queue was at its limit"),
      );
    }
  }
}

function sizeOf(message: Outgoing): number {
  return Buffer.byteLength(message.topic) + message.payload.length;
}
