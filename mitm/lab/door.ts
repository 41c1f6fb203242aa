import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Transport } from "../attack.ts";
import type { Address, UdpShare } from "../endpoint.ts";
import { MitmError } from "../errors.ts";

export interface DoorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly transports: readonly Transport[];
  /** 0, the default, takes any free port. */
  readonly tcpPort?: number;
  readonly udpPort?: number;
  /** How long to wait for the device's next connection, ms. */
  readonly arrivalMs: number;
}

/** A device that hammers at the door must not fill it. */
const maxWaiting = 4;

/** Where a device comes in: the lab listens here in the gateway's place, and a case takes what comes next. */
export class Door implements AsyncDisposable {
  readonly #options: DoorOptions;
  readonly #host: string;
  readonly #server: Server | undefined;
  readonly #udp: UdpSocket | undefined;
  readonly #waiting: Socket[] = [];
  readonly #all = new Set<Socket>();
  #wake: () => void = () => {};
  #share: Share | undefined;

  private constructor(options: DoorOptions, server: Server | undefined, udp: UdpSocket | undefined) {
    this.#options = options;
    this.#host = options.host ?? "127.0.0.1";
    this.#server = server;
    this.#udp = udp;
    server?.on("connection", (socket: Socket) => this.#arrived(socket));
    udp?.on("message", (datagram, from) => this.#share?.deliver(datagram, from));
    udp?.on("error", () => undefined);
  }

  /** @throws MitmError MITM_ADDRESS where a port cannot be listened on */
  static async open(options: DoorOptions): Promise<Door> {
    const host = options.host ?? "127.0.0.1";
    const server = options.transports.includes("tls") ? createServer({ noDelay: true }) : undefined;
    const udp = options.transports.includes("dtls")
      ? createSocket(isIPv6(host) ? "udp6" : "udp4")
      : undefined;
    try {
      if (server !== undefined) {
        server.listen(options.tcpPort ?? 0, host);
        await once(server, "listening");
      }
      if (udp !== undefined) {
        udp.bind(options.udpPort ?? 0, host);
        await once(udp, "listening");
      }
    } catch (cause) {
      server?.close();
      udp?.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new MitmError("MITM_ADDRESS", `the lab cannot listen on ${host}: ${why}`, { cause });
    }
    return new Door(options, server, udp);
  }

  address(transport: Transport): Address {
    const bound = transport === "tls" ? this.#server?.address() : this.#udp?.address();
    if (bound === null || bound === undefined || typeof bound === "string") {
      throw new MitmError("MITM_ADDRESS", `the door is not open for ${transport.toUpperCase()}`);
    }
    return { host: this.#host, port: bound.port };
  }

  get arrivalMs(): number {
    return this.#options.arrivalMs;
  }

  /** The next connection; undefined when none came in time. */
  async nextTcp(signal: AbortSignal): Promise<Socket | undefined> {
    const deadline = performance.now() + this.#options.arrivalMs;
    while (!signal.aborted) {
      const socket = this.#waiting.shift();
      if (socket !== undefined && !socket.destroyed) return socket;
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      await this.#arrival(left, signal);
    }
    return undefined;
  }

  /** Whether a connection waits, or comes within `ms`. It is left waiting. */
  async arrived(ms: number, signal: AbortSignal): Promise<boolean> {
    const waits = () => this.#waiting.some((socket) => !socket.destroyed);
    if (!waits() && this.#server !== undefined) await this.#arrival(ms, signal);
    return waits();
  }

  /** What comes at the UDP port from now on; the share that was handed out before gets nothing any more. */
  shareUdp(): UdpShare {
    if (this.#udp === undefined) throw new MitmError("MITM_ADDRESS", "the door is not open for DTLS");
    this.#share = new Share(this.#udp);
    return this.#share;
  }

  /** Closes what waits: a case begins with what comes after it began. */
  drain(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#all) socket.destroy();
    this.#udp?.close();
    if (this.#server === undefined) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #arrived(socket: Socket): void {
    this.#all.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#all.delete(socket));
    if (this.#waiting.length >= maxWaiting) this.#waiting.shift()?.destroy();
    this.#waiting.push(socket);
    this.#wake();
  }

  async #arrival(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      this.#wake = done;
    });
  }
}

class Share extends EventEmitter implements UdpShare {
  readonly #socket: UdpSocket;
  #closed = false;

  constructor(socket: UdpSocket) {
    super();
    this.#socket = socket;
  }

  deliver(datagram: Buffer, from: RemoteInfo): void {
    if (!this.#closed) this.emit("message", datagram, from);
  }

  send(datagram: Uint8Array, port: number, host: string): void {
    if (!this.#closed) this.#socket.send(datagram, port, host);
  }

  address(): AddressInfo {
    return this.#socket.address();
  }

  close(): void {
    this.#closed = true;
  }
}
