import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns";
import { isIP, SocketAddress } from "node:net";
import type { Address } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import type { SocketSettings } from "./read-common-options.ts";
import type { EndpointStats } from "./stats.ts";

/** So many datagrams are collected before they are sent, in the middle of a turn. */
const largestBatch = 256;
/** What may wait in libuv for the system to take it, in bytes; beyond it datagrams are dropped, as a full network does. */
const mostQueuedBytes = 4 * 2 ** 20;

export interface UdpEvents {
  onDatagram(datagram: Uint8Array, from: Address): void;
  /** The socket is gone though nobody closed it. */
  onFailure(error: DtlsError): void;
  /** Something could not be sent. Left out, it is not asked: a server does not care, and asking costs. */
  onNotSent?(error: Error): void;
}

/** The only place where datagrams meet the system. */
export class UdpSocket {
  /** The address that is bound; rejects with DTLS_LISTEN_FAILED. */
  readonly ready: Promise<Address & { readonly family: "IPv4" | "IPv6" }>;
  readonly #socket: Socket;
  readonly #stats: EndpointStats;
  readonly #events: UdpEvents;
  #waiting: { readonly datagram: Uint8Array; readonly to: Address }[] = [];
  readonly #onSent: ((error: Error | null) => void) | undefined;
  #isFlushDue = false;
  #isBound = false;
  #isClosed = false;

  constructor(settings: SocketSettings, family: 4 | 6, stats: EndpointStats, events: UdpEvents) {
    this.#stats = stats;
    this.#events = events;
    if (events.onNotSent !== undefined) {
      this.#onSent = (error) => {
        if (error !== null && !this.#isClosed) events.onNotSent?.(error);
      };
    }
    const { receiveBufferBytes, sendBufferBytes } = settings;
    this.#socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      ipv6Only: settings.ipv6Only,
      reusePort: settings.reusePort,
      // Each send would look its address up: they are addresses already.
      lookup: (address, _options, callback) => callback(null, address, family),
      ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
      ...(sendBufferBytes === undefined ? {} : { sendBufferSize: sendBufferBytes }),
    });
    this.#socket.on("message", (datagram, from) => {
      if (!this.#isClosed) events.onDatagram(datagram, from);
    });
    this.ready = this.#bind(settings, family);
    this.ready.catch(() => undefined);
  }

  /** Goes out at the end of the turn, with all others: what answers at once keeps its peer from reading in between. */
  send(datagram: Uint8Array, to: Address): void {
    if (this.#isClosed) return;
    this.#waiting.push({ datagram, to });
    if (this.#waiting.length >= largestBatch && this.#isBound) {
      this.#flush();
    } else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(() => {
        this.#isFlushDue = false;
        this.#flush();
      });
    }
  }

  /** What was sent before goes out first. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#waiting = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    try {
      this.#socket.close(() => resolve());
    } catch {
      // It never came to be bound.
      resolve();
    }
    await promise;
  }

  #flush(): void {
    // What is sent before the port is bound waits for it.
    if (!this.#isBound || this.#isClosed) return;
    const batch = this.#waiting;
    this.#waiting = [];
    if (this.#socket.getSendQueueSize() > mostQueuedBytes) {
      this.#stats.packetsNotSent += batch.length;
      return;
    }
    for (const { datagram, to } of batch) this.#sendNow(datagram, to);
  }

  #sendNow(datagram: Uint8Array, to: Address): void {
    try {
      this.#socket.send(datagram, to.port, to.address, this.#onSent);
      this.#stats.packetsSent += 1;
      this.#stats.bytesSent += datagram.length;
    } catch {
      // A port of 0, which only a spoofed datagram comes from.
      this.#stats.packetsNotSent += 1;
    }
  }

  async #bind({ host, port, ttl }: SocketSettings, family: 4 | 6) {
    const socket = this.#socket;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    try {
      socket.bind({ port, exclusive: true, ...(host === undefined ? {} : { address: host }) }, resolve);
      await promise;
      if (ttl !== undefined) socket.setTTL(ttl);
    } catch (cause) {
      const detail = cause instanceof Error ? `: ${cause.message}` : "";
      throw new DtlsError("DTLS_LISTEN_FAILED", `UDP ${host ?? "*"} port ${port} cannot be opened${detail}`, {
        cause,
      });
    } finally {
      socket.off("error", reject);
      // From now on an error is one of a single receive: the network's noise, and no end.
      socket.on("error", () => {
        this.#stats.socketErrors += 1;
      });
    }
    socket.on("close", () => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      this.#events.onFailure(new DtlsError("DTLS_LISTEN_FAILED", "the UDP socket was closed by the system"));
    });
    this.#isBound = true;
    this.#flush();
    const bound = socket.address();
    return { address: bound.address, port: bound.port, family: family === 6 ? "IPv6" : "IPv4" } as const;
  }
}

/** The first address of a host. @throws DtlsError DTLS_UNREACHABLE */
export async function resolveHost(
  host: string,
): Promise<{ readonly address: string; readonly family: 4 | 6 }> {
  const family = isIP(host);
  if (family === 4) return { address: host, family };
  if (family === 6) return { address: canonical(host), family };
  const { promise, resolve, reject } = Promise.withResolvers<{ address: string; family: 4 | 6 }>();
  lookup(host, (cause, address, found) => {
    if (cause === null) resolve({ address, family: found === 6 ? 6 : 4 });
    else reject(new DtlsError("DTLS_UNREACHABLE", `${host} has no address: ${cause.message}`, { cause }));
  });
  return await promise;
}

/** RFC 5952: as the system writes where a datagram came from, for what it is compared with. */
function canonical(host: string): string {
  const [address = "", zone] = host.split("%");
  const text = new SocketAddress({ address, family: "ipv6" }).address;
  return zone === undefined ? text : `${text}%${zone}`;
}
