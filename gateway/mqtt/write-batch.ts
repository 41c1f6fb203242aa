import type { Duplex } from "node:stream";

/** Up to here chunks are copied into one; larger ones go out as they are. */
const joinLimit = 16 * 1024;

/** Connections that wrote something in this turn of the event loop. */
let waiting: WriteBatch[] = [];

/**
 * Collects what is written to a connection during one turn of the event loop and hands it to the socket as one
 * buffer. The broker writes each packet in about five pieces; passed on one by one, each piece would cost a
 * pass through the socket's stream machinery.
 */
export class WriteBatch {
  readonly #socket: Duplex;
  #chunks: Array<string | Uint8Array> = [];
  #size = 0;
  #scheduled = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Bytes collected and not yet handed on. */
  get size(): number {
    return this.#size;
  }

  add(chunk: string | Uint8Array, encoding: BufferEncoding = "utf8"): void {
    if (typeof chunk === "string" && encoding !== "utf8") return this.add(Buffer.from(chunk, encoding));
    this.#chunks.push(chunk);
    this.#size += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (waiting.length === 0) process.nextTick(flushAll);
    waiting.push(this);
  }

  /** Hands everything on now. */
  flush(): void {
    this.#scheduled = false;
    const chunks = this.#chunks;
    const size = this.#size;
    if (size === 0) return;
    this.#chunks = [];
    this.#size = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (size <= joinLimit) {
      this.#socket.write(join(chunks, size));
      return;
    }
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
  }
}

function flushAll(): void {
  const batches = waiting;
  waiting = [];
  for (const batch of batches) batch.flush();
}

function join(chunks: ReadonlyArray<string | Uint8Array>, size: number): Buffer {
  const only = chunks[0];
  if (chunks.length === 1 && only instanceof Buffer) return only;
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (const chunk of chunks) {
    if (typeof chunk === "string") {
      at += joined.write(chunk, at, "utf8");
    } else {
      joined.set(chunk, at);
      at += chunk.length;
    }
  }
  return joined;
}
