import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Address } from "../endpoint.ts";
import { MitmError } from "../errors.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Address;
}

/** What a flood can make a port keep. */
const mostQueuedDatagrams = 512;
const mostQueuedBytes = 2 ** 18;

/** What a port stands on: a socket of its own, or one that it shares with other peers. */
interface Line {
  transmit(bytes: Uint8Array, to: Address): void;
  release(): void;
  /** The whole socket fails, as if its process had died. */
  fail(): void;
}

/** One peer's datagrams on a UDP socket. */
export class DatagramPort {
  readonly local: Address;
  /** Where datagrams are sent to; a connection id may move it. */
  peer: Address;
  readonly #line: Line;
  readonly #isClient: boolean;
  readonly #queue: Datagram[] = [];
  #queuedBytes = 0;
  #wake: (() => void) | undefined;
  #closed: string | undefined;
  #recorder: Recorder | undefined;
  #connection = 0;
  /** By connection id, where the port is one of a listener. */
  readonly #registerId: ((id: Uint8Array) => void) | undefined;

  /** For DatagramPort.dial and DatagramListener alone. */
  constructor(
    line: Line,
    ends: { readonly local: Address; readonly peer: Address; readonly isClient: boolean },
    registerId?: (id: Uint8Array) => void,
  ) {
    this.#line = line;
    this.local = ends.local;
    this.peer = ends.peer;
    this.#isClient = ends.isClient;
    this.#registerId = registerId;
  }

  /**
   * A socket of its own towards `address`, from `localAddress` if given.
   *
   * @throws MitmError MITM_ADDRESS
   */
  static async dial(address: Address, localAddress?: string): Promise<DatagramPort> {
    let socket: Socket | undefined;
    try {
      const found = await lookup(address.host);
      socket = createSocket(found.family === 6 ? "udp6" : "udp4");
      const opened = socket;
      opened.bind(0, localAddress);
      await once(opened, "listening");
      const connected = once(opened, "connect");
      opened.connect(address.port, found.address);
      await connected;
      const bound = opened.address();
      const port = new DatagramPort(
        {
          transmit: (bytes) => opened.send(bytes, (error) => error && port.failed(error)),
          release: () => opened.close(),
          fail: () => undefined,
        },
        {
          local: { host: bound.address, port: bound.port },
          peer: { host: found.address, port: address.port },
          isClient: true,
        },
      );
      opened.on("message", (bytes) => port.deliver({ bytes, from: port.peer }));
      opened.on("error", (error) => port.failed(error));
      return port;
    } catch (cause) {
      socket?.close();
      throw new MitmError(
        "MITM_ADDRESS",
        `no way to ${address.host} port ${address.port}: ${String(cause)}`,
        {
          cause,
        },
      );
    }
  }

  /** The number under which the recorder knows this pair of addresses; 0 before `record`. */
  get connection(): number {
    return this.#connection;
  }

  /** Why nothing comes any more; undefined while something may. */
  get closed(): string | undefined {
    return this.#closed;
  }

  /** From now on, and with what waits already, packets go to this recorder. */
  record(recorder: Recorder): number {
    if (this.#recorder !== undefined) return this.#connection;
    const [client, server] = this.#isClient ? [this.local, this.peer] : [this.peer, this.local];
    this.#recorder = recorder;
    this.#connection = recorder.connection({
      protocol: "udp",
      client: { address: client.host, port: client.port },
      server: { address: server.host, port: server.port },
    });
    for (const { bytes } of this.#queue) this.#note(false, bytes);
    return this.#connection;
  }

  send(bytes: Uint8Array, to: Address = this.peer): void {
    if (this.#closed !== undefined) return;
    this.#note(true, bytes);
    this.#line.transmit(bytes, to);
  }

  /** The next datagram; undefined when none came within the time or none will. */
  async next(timeoutMs: number): Promise<Datagram | undefined> {
    if (this.#queue.length === 0 && this.#closed === undefined && timeoutMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const datagram = this.#queue.shift();
    this.#queuedBytes -= datagram?.bytes.length ?? 0;
    return datagram;
  }

  /** A peer that shows this connection id is this one, wherever it sends from. */
  register(connectionId: Uint8Array): void {
    this.#registerId?.(connectionId);
  }

  deliver(datagram: Datagram): void {
    if (this.#closed !== undefined || this.#queue.length >= mostQueuedDatagrams) return;
    if (this.#queuedBytes + datagram.bytes.length > mostQueuedBytes) return;
    this.#queuedBytes += datagram.bytes.length;
    this.#note(false, datagram.bytes);
    this.#queue.push(datagram);
    this.#wake?.();
  }

  failed(error: Error): void {
    const refused = "code" in error && error.code === "ECONNREFUSED";
    this.#end(refused ? "port unreachable" : error.message);
  }

  close(): void {
    this.#end("closed by this end");
  }

  /** What a target does that runs out of memory: the socket is gone, for every peer of it. */
  exhaust(): void {
    this.#line.fail();
    this.#end("out of memory");
  }

  #end(how: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = how;
    this.#line.release();
    this.#wake?.();
  }

  #note(sent: boolean, bytes: Uint8Array): void {
    this.#recorder?.packet(this.#connection, sent === this.#isClient ? "client" : "server", bytes);
  }
}
