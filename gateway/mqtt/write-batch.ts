import type { Duplex } from "node:stream";

/** Sockets that were written to in this turn of the event loop. */
let waiting: WriteBatch[] = [];

/**
 * Corks a socket for the rest of the turn of the event loop: the broker writes each packet in about five pieces,
 * and they, and what else is written in the same turn, leave as one write. Joining the pieces here was measured
 * and costs more than leaving it to the socket.
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
      if (waiting.length === 0) process.nextTick(flushAll);
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

function flushAll(): void {
  const batches = waiting;
  waiting = [];
  for (const batch of batches) batch.flush();
}
