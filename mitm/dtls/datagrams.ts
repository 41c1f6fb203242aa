import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { recordHeaderLength, writePlaintextRecord } from "../../dtls/wire/record.ts";
import { AlertDescription, AlertLevel, ContentType, HandshakeType } from "../../dtls/wire/registry.ts";
import type { Address, UdpShare } from "../endpoint.ts";
import { MitmError } from "../errors.ts";
import type { Recorder } from "../record/recorder.ts";
import { DatagramPort } from "./port.ts";
import { Tolerance, type Tolerates } from "./tolerance.ts";

export { DatagramPort } from "./port.ts";

/** Peers at one time; whoever comes then makes the oldest go. */
const mostPorts = 1024;

export interface ListenerOptions {
  /** Where packets of every peer go; default: to the recorder of the end that is made on a port. */
  readonly recorder?: Recorder | undefined;
  /** As an end's; default: strict. */
  readonly tolerates?: Tolerates | undefined;
}

/** One UDP socket, and a DatagramPort for each peer that begins a handshake on it. */
export class DatagramListener {
  readonly #share: UdpShare;
  readonly #options: ListenerOptions;
  readonly #tolerance: Tolerance;
  readonly #ports = new Map<string, DatagramPort>();
  readonly #byConnectionId = new Map<string, DatagramPort>();
  readonly #idLengths = new Set<number>();
  readonly #waiting: DatagramPort[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #onPort: ((port: DatagramPort) => void) | undefined;

  private constructor(share: UdpShare, options: ListenerOptions) {
    this.#share = share;
    this.#options = options;
    this.#tolerance = new Tolerance(options.tolerates ?? new Set());
    share.on("message", (bytes, from) => this.#receive(bytes, { host: from.address, port: from.port }));
    // A peer that is gone is no failure of the socket.
    share.on("error", () => undefined);
    share.on("close", () => this.destroy());
  }

  /** On a socket, or a share of one, that is bound already. */
  static over(share: UdpShare, options: ListenerOptions = {}): DatagramListener {
    return new DatagramListener(share, options);
  }

  /** @throws MitmError MITM_ADDRESS */
  static async bind(host = "127.0.0.1", port = 0, options: ListenerOptions = {}): Promise<DatagramListener> {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    try {
      socket.bind(port, host);
      await once(socket, "listening");
    } catch (cause) {
      socket.close();
      throw new MitmError("MITM_ADDRESS", `${host} port ${port} cannot be listened on: ${String(cause)}`, {
        cause,
      });
    }
    return new DatagramListener(socket, options);
  }

  get address(): Address {
    const { address, port } = this.#share.address();
    return { host: address, port };
  }

  /** Called with each new peer from now on, in place of `next`. */
  set onPort(take: (port: DatagramPort) => void) {
    this.#onPort = take;
    for (const port of this.#waiting.splice(0)) take(port);
  }

  /**
   * The next peer whose first datagram begins with a ClientHello; undefined when none came within the time, or the
   * listener was destroyed, or the signal fired.
   */
  async next(timeoutMs: number, signal?: AbortSignal): Promise<DatagramPort | undefined> {
    if (this.#waiting.length === 0 && !this.#closed && signal?.aborted !== true) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const done = (): void => resolve();
      const timer = setTimeout(done, timeoutMs);
      signal?.addEventListener("abort", done, { once: true });
      this.#wake = done;
      await promise;
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      this.#wake = undefined;
    }
    return this.#waiting.shift();
  }

  /** Closes all ports and the share, which is the socket where there is no other. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const port of this.#ports.values()) port.close();
    this.#share.close();
    this.#wake?.();
  }

  #receive(bytes: Uint8Array, from: Address): void {
    if (this.#closed) return;
    const key = `${from.host}|${from.port}`;
    let port = this.#portOfConnectionId(bytes) ?? this.#ports.get(key);
    if (port === undefined && beginsHandshake(bytes)) port = this.#newPort(key, from);
    if (port !== undefined) {
      port.deliver({ bytes, from });
      return;
    }
    const isUnknown = bytes[0] === ContentType.tls12_cid;
    if (isUnknown && this.#tolerance.lacks("answers-unknown-connection-ids")) {
      const alert = Uint8Array.of(AlertLevel.fatal, AlertDescription.bad_record_mac);
      this.#share.send(writePlaintextRecord(ContentType.alert, 0, alert), from.port, from.host);
    }
  }

  /** RFC 9146 §6: the connection id, not the address, says whose record it is. */
  #portOfConnectionId(bytes: Uint8Array): DatagramPort | undefined {
    if (bytes[0] !== ContentType.tls12_cid) return undefined;
    for (const length of this.#idLengths) {
      const port = this.#byConnectionId.get(Buffer.from(bytes.subarray(11, 11 + length)).toString("hex"));
      if (port !== undefined) return port;
    }
    return undefined;
  }

  #newPort(key: string, from: Address): DatagramPort {
    const ids: string[] = [];
    const port: DatagramPort = new DatagramPort(
      {
        transmit: (bytes, to) => {
          if (!this.#closed) this.#share.send(bytes, to.port, to.host);
        },
        release: () => {
          if (this.#ports.get(key) === port) this.#ports.delete(key);
          for (const id of ids) if (this.#byConnectionId.get(id) === port) this.#byConnectionId.delete(id);
        },
        fail: () => this.destroy(),
      },
      { local: this.address, peer: from, isClient: false },
      (id) => {
        const hex = Buffer.from(id).toString("hex");
        ids.push(hex);
        this.#byConnectionId.set(hex, port);
        this.#idLengths.add(id.length);
      },
    );
    if (this.#options.recorder !== undefined) port.record(this.#options.recorder);
    if (this.#ports.size >= mostPorts) this.#ports.values().next().value?.close();
    this.#ports.set(key, port);
    if (this.#onPort !== undefined) this.#onPort(port);
    else this.#waiting.push(port);
    this.#wake?.();
    return port;
  }
}

/** A record of epoch 0 with (a fragment of) a ClientHello. */
function beginsHandshake(bytes: Uint8Array): boolean {
  const epoch = ((bytes[3] ?? 1) << 8) | (bytes[4] ?? 1);
  return (
    bytes[0] === ContentType.handshake &&
    epoch === 0 &&
    bytes[recordHeaderLength] === HandshakeType.client_hello
  );
}
