import { connect, type Socket } from "node:net";
import type { Address, Received } from "../endpoint.ts";
import { MitmError, whyUnreached } from "../errors.ts";
import type { Recorder } from "../record/recorder.ts";
import { alertName, tcpName, tlsRecordLength } from "./names.ts";

export interface RawOptions {
  readonly recorder: Recorder;
  /** Who is at the other end. The lab is a client of a gateway and a server of a device. */
  readonly peer: "device" | "gateway";
}

export interface RawWriteOptions {
  /** These bytes are the attack. */
  readonly attack?: boolean;
  /** What is odd about them. */
  readonly note?: string;
  /** What the transcript calls them; default: what the records in them are. */
  readonly what?: string;
}

/** What a peer may say before it is read; a peer that floods is not read any further until then. */
const maxUnread = 2 ** 18;

/**
 * A TCP connection to write bytes of any kind to, and to read what the other end answers in clear. It knows no keys:
 * TLS records are read whole and named as far as their headers tell.
 */
export class RawTcp {
  readonly connection: number;
  readonly #socket: Socket;
  readonly #options: RawOptions;
  #unread: Buffer = Buffer.alloc(0);
  #end: string | undefined;
  #wake: () => void = () => {};
  #received = 0;
  readonly #opened = performance.now();
  #endedAfterMs: number | undefined;

  private constructor(socket: Socket, options: RawOptions, head: Uint8Array) {
    this.#socket = socket;
    this.#options = options;
    const local = { address: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    const remote = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    const [client, server] = options.peer === "gateway" ? [local, remote] : [remote, local];
    this.connection = options.recorder.connection({ protocol: "tcp", client, server });
    if (head.length > 0) this.#take(head);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.#ended("closed"));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#ended(error.code === "ECONNRESET" ? "reset" : error.message),
    );
    socket.on("close", () => this.#ended("closed"));
  }

  /** @throws MitmError MITM_ADDRESS where nobody listens, or nobody answers within `timeoutMs` */
  static async connect(
    address: Address,
    options: RawOptions & { readonly timeoutMs: number },
  ): Promise<RawTcp> {
    const socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    try {
      await new Promise<void>((resolve, reject) => {
        const late = () => reject(new Error(`no answer for ${options.timeoutMs} ms`));
        socket.setTimeout(options.timeoutMs, late);
        socket.once("connect", resolve).once("error", reject);
      });
    } catch (cause) {
      socket.destroy();
      throw new MitmError(
        "MITM_ADDRESS",
        `${address.host}:${address.port} cannot be reached: ${whyUnreached(cause)}`,
        {
          cause,
        },
      );
    }
    socket.setTimeout(0);
    return new RawTcp(socket, options, new Uint8Array());
  }

  /** Over a connection that is there already; `head` is what was read of it. */
  static over(socket: Socket, options: RawOptions, head: Uint8Array = new Uint8Array()): RawTcp {
    return new RawTcp(socket, options, head);
  }

  /** Bytes that the other end has sent so far, read or not. */
  get bytesReceived(): number {
    return this.#received;
  }

  /** How the other end ended the connection: "closed", "reset"; undefined while it has not. */
  get ended(): string | undefined {
    return this.#end;
  }

  /** How long the other end kept the connection; undefined while it does. */
  get endedAfterMs(): number | undefined {
    return this.#endedAfterMs;
  }

  /** False where the connection is gone and nothing was sent. */
  write(bytes: Uint8Array, options: RawWriteOptions = {}): boolean {
    if (!this.#socket.writable || bytes.length === 0) return false;
    this.#socket.write(bytes);
    const { recorder, peer } = this.#options;
    recorder.packet(this.connection, peer === "gateway" ? "client" : "server", bytes);
    recorder.step({
      connection: this.connection,
      from: "lab",
      to: peer,
      what: options.what ?? tcpName(bytes),
      bytes: bytes.length,
      ...(options.attack === true && { attack: true }),
      ...(options.note !== undefined && { note: options.note }),
    });
    return true;
  }

  /**
   * The next TLS record with its header, or what came of other bytes, as "data"; an alert that is not protected, the
   * end of the connection, or silence for `timeoutMs`.
   */
  async read(timeoutMs: number): Promise<Received> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const next = this.#next();
      if (next !== undefined) return next;
      const left = deadline - performance.now();
      if (left <= 0) return { kind: "silence" };
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Sends FIN and goes on reading. */
  halfClose(): void {
    if (!this.#socket.writable) return;
    this.#socket.end();
    this.#step("lab", "FIN");
  }

  /** Ends the connection with a reset, or with FIN where everything was read. */
  destroy(): void {
    this.#socket.destroy();
    this.#wake();
  }

  #take(chunk: Uint8Array): void {
    const { recorder, peer } = this.#options;
    this.#received += chunk.length;
    recorder.packet(this.connection, peer === "gateway" ? "server" : "client", chunk);
    this.#unread = Buffer.concat([this.#unread, chunk]);
    if (this.#unread.length > maxUnread) this.#socket.pause();
    this.#wake();
  }

  #next(): Received | undefined {
    const length = tlsRecordLength(this.#unread);
    const isPartOfRecord =
      this.#unread.length > 0 &&
      (length === undefined ? mayBeHeader(this.#unread) : this.#unread.length < length);
    if (this.#unread.length > 0 && (!isPartOfRecord || this.#end !== undefined)) {
      const data = this.#unread.subarray(0, length ?? this.#unread.length);
      this.#unread = this.#unread.subarray(data.length);
      if (this.#socket.isPaused() && this.#unread.length <= maxUnread) this.#socket.resume();
      this.#step(this.#options.peer, tcpName(data), data.length);
      const isClearAlert = length === 7 && data[0] === 21 && data.length === 7;
      return isClearAlert
        ? { kind: "alert", alert: alertName(data.readUInt8(6)), fatal: data[5] === 2 }
        : { kind: "data", data };
    }
    return this.#end === undefined ? undefined : { kind: "closed", how: this.#end };
  }

  #ended(how: string): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    this.#endedAfterMs = performance.now() - this.#opened;
    this.#step(this.#options.peer, how);
    this.#wake();
  }

  #step(from: "lab" | "device" | "gateway", what: string, bytes?: number): void {
    const to = from === "lab" ? this.#options.peer : "lab";
    this.#options.recorder.step({
      connection: this.connection,
      from,
      to,
      what,
      ...(bytes !== undefined && { bytes }),
    });
  }
}

/** Fewer than five bytes that may yet become the header of a TLS record. */
function mayBeHeader(bytes: Uint8Array): boolean {
  const [type = 0, major = 3] = bytes;
  return bytes.length < 5 && type >= 20 && type <= 24 && major === 3;
}
