import type { TLSSocket } from "node:tls";
import type { VerifiedGateway } from "./gateway-dial.ts";
import type { StartTimer } from "./session-options.ts";
import { recordOverhead, TlsOverhead } from "./tls-overhead.ts";

/** How often the connection is looked at, in milliseconds. */
const intervalMs = 1_000;

export interface TlsWatchOptions {
  /** `Settings.maxTlsOverheadBytes` */
  readonly bytes: number;
  readonly startTimer: StartTimer;
  /** The gateway sends too much that is no application data: so many octets. Called once. */
  readonly onExceeded: (bytes: number) => void;
}

/** Watches what a gateway sends within TLS that is no application data: see `TlsOverhead`. */
export class TlsWatch {
  readonly #gateway: VerifiedGateway;
  readonly #options: TlsWatchOptions;
  readonly #overhead: TlsOverhead;
  #clearBytes = 0;
  #records = 0;
  #cancelTimer = () => {};

  constructor(gateway: VerifiedGateway, options: TlsWatchOptions) {
    this.#gateway = gateway;
    this.#options = options;
    const perRecord = recordOverhead(gateway.protocol, gateway.cipher);
    this.#overhead = new TlsOverhead(
      { bytes: options.bytes, perRecord },
      gateway.tcp.bytesRead,
      performance.now(),
    );
    // OpenSSL hands out one record at a time, and Node passes it on as it is.
    gateway.socket.on("data", (chunk: Buffer) => {
      this.#clearBytes += chunk.length;
      this.#records += 1;
    });
    gateway.socket.once("close", () => this.#cancelTimer());
  }

  /** Looks for the first time in a while, and from then on until the connection ends. */
  start(): void {
    this.#cancelTimer = this.#options.startTimer(() => this.#look(), intervalMs);
  }

  #look(): void {
    const { socket, tcp } = this.#gateway;
    if (socket.destroyed) return;
    const count = {
      wireBytes: tcp.bytesRead,
      clearBytes: this.#clearBytes,
      records: this.#records,
      unreadBytes: socket.readableLength,
      drained: pendingBytes(socket) === 0,
    };
    const exceeded = this.#overhead.look(count, performance.now());
    if (exceeded === undefined) this.start();
    else this.#options.onExceeded(exceeded);
  }
}

/**
 * Bytes that OpenSSL has sealed and TCP has not taken: only Node's handle knows of those that answer a KeyUpdate. Where it
 * does not tell, those that were written here.
 */
function pendingBytes(socket: TLSSocket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  const size: unknown =
    typeof handle === "object" && handle !== null ? Reflect.get(handle, "writeQueueSize") : 0;
  return typeof size === "number" ? size : socket.writableLength;
}
