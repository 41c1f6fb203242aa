import type { Duplex } from "node:stream";

/** Sockets that were written to and wait for the next flush. */
let waiting: WriteBatch[] = [];
/** Something was flushed in this turn of the event loop already. */
let busy = false;

/**
 * Corks a socket for a moment: the broker writes each packet in about five pieces, and they leave as one write.
 * The first packet of a turn of the event loop leaves at once, so that a lone message does not wait; what the same
 * turn brings besides leaves together at its end, for the broker hands out each delivery in an immediate of its own
 * and under load a write, and a TLS record, for each would cost more than the delivery. Joining the pieces here was
 * measured and costs more than leaving it to the socket.
 */
export class WriteBatch {
  readonly #socket: Duplex;
  readonly #onFlushed: () => void;
  #corked = false;

  /** `onFlushed` is called after each batch was handed on. */
  constructor(socket: Duplex, onFlushed: () => void) {
    this.#socket = socket;
    this.#onFlushed = onFlushed;
  }

  add(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      if (waiting.length === 0) scheduleFlush();
      waiting.push(this);
    }
    if (typeof chunk === "string") this.#socket.write(chunk, encoding ?? "utf8");
    else this.#socket.write(chunk);
  }

  /** Hands everything on now. */
  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#socket.uncork();
    this.#onFlushed();
  }
}

function scheduleFlush(): void {
  if (busy) {
    setImmediate(flushAll);
    return;
  }
  busy = true;
  process.nextTick(flushAll);
  setImmediate(endTurn);
}

function endTurn(): void {
  busy = false;
}

function flushAll(): void {
  const batches = waiting;
  waiting = [];
  for (const batch of batches) batch.flush();
}
