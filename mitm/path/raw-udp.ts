import { createSocket, type RemoteInfo } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Address, Received, UdpShare } from "../endpoint.ts";
import { MitmError, whyUnreached } from "../errors.ts";
import type { Recorder } from "../record/recorder.ts";
import { alertName, datagramName } from "./names.ts";
import type { RawOptions, RawWriteOptions } from "./raw-tcp.ts";

/** A peer that floods loses what is not read, as with any UDP socket. */
const maxUnread = 512;

/**
 * A UDP socket to send datagrams of any kind from, and to read what comes back. It knows no keys: DTLS records are
 * named as far as their headers tell.
 */
export class RawUdp {
  readonly #socket: UdpShare;
  readonly #recorder: Recorder;
  readonly #peer: RawOptions["peer"];
  readonly #unread: Uint8Array[] = [];
  /** Of each address that was heard or written to; a device may come from a new port for each attempt. */
  readonly #connections = new Map<string, number>();
  /** Sends what goes to the gateway, whose address the socket is connected to. */
  #sendConnected: ((datagram: Uint8Array) => void) | undefined;
  #remote: Address | undefined;
  #end: string | undefined;
  #received = 0;
  #wake: () => void = () => {};

  private constructor(socket: UdpShare, options: RawOptions) {
    this.#socket = socket;
    this.#recorder = options.recorder;
    this.#peer = options.peer;
    socket.on("message", (datagram: Buffer, from: RemoteInfo) => this.#take(datagram, from));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // ICMP port unreachable: nobody listens there (any more).
      this.#end ??= error.code === "ECONNREFUSED" ? "port unreachable" : error.message;
      this.#wake();
    });
    socket.on("close", () => {
      this.#end ??= "closed";
      this.#wake();
    });
  }

  /**
   * A socket of its own that sends to `address` and hears it alone.
   * @throws MitmError MITM_ADDRESS
   */
  static async connect(address: Address, options: RawOptions): Promise<RawUdp> {
    const socket = createSocket(isIPv6(address.host) ? "udp6" : "udp4");
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject).once("connect", resolve);
        socket.connect(address.port, address.host);
      });
    } catch (cause) {
      socket.close();
      throw new MitmError(
        "MITM_ADDRESS",
        `${address.host}:${address.port} cannot be reached: ${whyUnreached(cause)}`,
        {
          cause,
        },
      );
    }
    const remote = socket.remoteAddress();
    const raw = new RawUdp(socket, options);
    raw.#sendConnected = (datagram) => socket.send(datagram);
    raw.#remote = { host: remote.address, port: remote.port };
    return raw;
  }

  /** Over a bound socket, at which anybody's datagrams arrive; what is sent goes to whoever was heard last. */
  static over(socket: UdpShare, options: RawOptions): RawUdp {
    return new RawUdp(socket, options);
  }

  /** Whoever is written to: the address given, or the one heard last. */
  get remote(): Address | undefined {
    return this.#remote;
  }

  /** Octets of all datagrams that came so far, read or not. */
  get bytesReceived(): number {
    return this.#received;
  }

  /** False where there is nobody to send to: nothing was heard yet, or the socket is closed. */
  send(datagram: Uint8Array, options: RawWriteOptions = {}): boolean {
    const to = this.#remote;
    if (to === undefined || this.#end !== undefined) return false;
    if (this.#sendConnected === undefined) this.#socket.send(datagram, to.port, to.host);
    else this.#sendConnected(datagram);
    const connection = this.#connectionWith(to);
    this.#recorder.packet(connection, this.#peer === "gateway" ? "client" : "server", datagram);
    this.#recorder.step({
      connection,
      from: "lab",
      to: this.#peer,
      what: options.what ?? datagramName(datagram),
      bytes: datagram.length,
      ...(options.attack === true && { attack: true }),
      ...(options.note !== undefined && { note: options.note }),
    });
    return true;
  }

  /** The next datagram, as "alert" where all of it is one alert of epoch 0, else as "data". */
  async read(timeoutMs: number): Promise<Received> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const datagram = this.#unread.shift();
      if (datagram !== undefined) return clearAlert(datagram) ?? { kind: "data", data: datagram };
      if (this.#end !== undefined) return { kind: "closed", how: this.#end };
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

  destroy(): void {
    if (this.#end !== undefined) return;
    this.#end = "closed";
    this.#socket.close();
    this.#wake();
  }

  #take(datagram: Uint8Array, from: RemoteInfo): void {
    this.#remote = { host: from.address, port: from.port };
    this.#received += datagram.length;
    const connection = this.#connectionWith(this.#remote);
    this.#recorder.packet(connection, this.#peer === "gateway" ? "server" : "client", datagram);
    this.#recorder.step({
      connection,
      from: this.#peer,
      to: "lab",
      what: datagramName(datagram),
      bytes: datagram.length,
    });
    if (this.#unread.length < maxUnread) this.#unread.push(datagram);
    this.#wake();
  }

  #connectionWith(remote: Address): number {
    const key = `${remote.host} ${remote.port}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      const local = this.#socket.address();
      const there = { address: remote.host, port: remote.port };
      const here = { address: local.address, port: local.port };
      const [client, server] = this.#peer === "gateway" ? [here, there] : [there, here];
      connection = this.#recorder.connection({ protocol: "udp", client, server });
      this.#connections.set(key, connection);
    }
    return connection;
  }
}

function clearAlert(datagram: Uint8Array): Received | undefined {
  const [type, , , high, low] = datagram;
  if (datagram.length !== 15 || type !== 21 || high !== 0 || low !== 0) return undefined;
  return { kind: "alert", alert: alertName(datagram[14] ?? 0), fatal: datagram[13] === 2 };
}
