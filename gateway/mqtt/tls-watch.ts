import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { recordOverhead, TlsOverhead } from "../tls-overhead.ts";

/** How often connections are looked at, in milliseconds: ten thousand idle ones take some 7 ms of one core each time. */
export const watchIntervalMs = 1_000;

/** What a connection's two sockets, TLS and TCP, tell of the bytes between them. */
export class TlsWatch {
  readonly #tls: TLSSocket;
  readonly #tcp: Socket;
  readonly #overhead: TlsOverhead;
  #wireBytes: number;

  /** On a connection whose handshake is done. `bytes`: `Limits.tlsOverheadBytes` */
  constructor(tls: TLSSocket, tcp: Socket, bytes: number) {
    this.#tls = tls;
    this.#tcp = tcp;
    const perRecord = recordOverhead(tls.getProtocol(), tls.getCipher().name);
    this.#wireBytes = tcp.bytesRead;
    this.#overhead = new TlsOverhead({ bytes, perRecord }, this.#wireBytes, performance.now());
  }

  /** See `TlsOverhead`: `clearBytes` of application data were read, in `records` records. */
  look(clearBytes: number, records: number, nowMs: number): number | undefined {
    const tls = this.#tls;
    const wireBytes = this.#tcp.bytesRead;
    // Nearly all of them, nearly always.
    if (wireBytes === this.#wireBytes && this.#overhead.isEmpty) return undefined;
    this.#wireBytes = wireBytes;
    const count = {
      wireBytes,
      clearBytes,
      records,
      unreadBytes: tls.readableLength,
      drained: pendingBytes(tls) === 0,
    };
    return this.#overhead.look(count, nowMs);
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
