import { EventEmitter } from "node:events";
import type { Address } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import { LatePromise } from "./late-promise.ts";
import type { Refused } from "./server-core.ts";
import type { DTLSSession } from "./session.ts";
import type { EndpointStats } from "./stats.ts";
import type { UdpSocket } from "./udp-socket.ts";

export interface BoundAddress extends Address {
  readonly family: "IPv4" | "IPv6";
}

/** Events of an endpoint. */
export interface EndpointEvents {
  session: [session: DTLSSession];
  /** Server: a handshake from which no session came, and why. */
  refused: [refused: Refused];
  /** A callback of the application threw, or the socket is gone. */
  error: [error: unknown];
  close: [];
}

/** What is behind an endpoint: a server's core or a client's. */
export interface EndpointWorks {
  readonly stats: EndpointStats;
  readonly sessions: readonly DTLSSession[];
  readonly isFull: boolean;
  refusesAll: boolean;
  receive(datagram: Uint8Array, from: Address): void;
  recheck(): Promise<void>;
  exportAssociations(key: Uint8Array): Uint8Array;
  /** Closes every session, with close_notify or in silence. */
  end(orderly: boolean, error: Error | undefined): void;
}

/**
 * One UDP socket and its associations. Made by `listen`, or by `connect` for its session alone.
 *
 * What a peer sends never surfaces as an error here: it is counted in `stats`.
 */
export class DTLSEndpoint extends EventEmitter<EndpointEvents> implements AsyncDisposable {
  readonly #works: EndpointWorks;
  readonly #ready = new LatePromise<BoundAddress>();
  readonly #closed = new LatePromise<void>();
  #socket: UdpSocket | undefined;
  #address: BoundAddress | undefined;
  readonly #closing = new LatePromise<void>();
  #isClosing = false;

  /** Made by `listen` and `connect` alone. */
  constructor(works: EndpointWorks) {
    super({ captureRejections: true });
    this.#works = works;
  }

  /** When the port is open; rejects with DTLS_LISTEN_FAILED or DTLS_UNREACHABLE. */
  get ready(): Promise<BoundAddress> {
    return this.#ready.promise;
  }

  /** What is bound; undefined before `ready`, and after the end. */
  get address(): BoundAddress | undefined {
    return this.#isClosing ? undefined : this.#address;
  }

  /** Those whose handshake is complete. */
  get sessions(): Iterable<DTLSSession> {
    return this.#works.sessions;
  }

  get stats(): EndpointStats {
    return this.#works.stats;
  }

  /** No new peer is taken in: `busy` was set, or a limit is reached. */
  get busy(): boolean {
    return this.#works.refusesAll || this.#works.isFull;
  }

  /** Refuses new peers, in silence, until it is set back. */
  set busy(busy: boolean) {
    this.#works.refusesAll = busy;
  }

  get destroyed(): boolean {
    return this.#isClosing;
  }

  /** When the socket is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Tells all peers and ends. */
  close(): Promise<void> {
    return this.#end(true, undefined);
  }

  /** Ends without a word to anybody. */
  destroy(error?: Error): void {
    void this.#end(false, error);
  }

  /**
   * Asks `verifyPeer` again about every peer, as after a revocation. Those it refuses are sent the alert and closed;
   * a handshake that is under way is asked about when it is complete.
   */
  recheck(): Promise<void> {
    return this.#works.recheck();
  }

  /**
   * Ends this endpoint, without telling the peers, and returns all its associations for `restore` of a new one: they
   * go on there without a handshake. Encrypted with AES-256-GCM; `key` has 32 bytes. Use the result once: associations
   * that live twice repeat AEAD nonces, which gives their traffic away.
   */
  async exportAssociations(key: Uint8Array): Promise<Uint8Array> {
    if (this.#isClosing) throw new DtlsError("DTLS_CLOSED", "the endpoint is closed");
    // All in one turn of the event loop, so that no new peer comes in between.
    const exported = this.#works.exportAssociations(key);
    await this.#end(false, undefined);
    return exported;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The endpoint's own affair: which socket it has. */
  attach(socket: UdpSocket): void {
    this.#socket = socket;
    if (this.#isClosing) void socket.close();
  }

  /** The endpoint's own affair: the port is open. */
  opened(address: BoundAddress): void {
    this.#address = address;
    this.#ready.resolve(address);
  }

  /** The endpoint's own affair: there is no socket any more, or never was. */
  failed(error: DtlsError): void {
    this.#ready.reject(error);
    void this.#end(false, error);
  }

  transmit(datagram: Uint8Array, to: Address): void {
    this.#socket?.send(datagram, to);
  }

  /** Nothing that the network sends may get out of here as an exception. */
  receive(datagram: Uint8Array, from: Address): void {
    try {
      this.#works.receive(datagram, from);
    } catch (error) {
      this.report(error);
    }
  }

  /** To the application if it listens, else as a warning of the process: never as an exception in the socket. */
  report(error: unknown): void {
    if (this.listenerCount("error") === 0) {
      process.emitWarning(asError(error));
      return;
    }
    try {
      this.emit("error", error);
    } catch (again) {
      process.emitWarning(asError(again));
    }
  }

  override [EventEmitter.captureRejectionSymbol](thrown: unknown): void {
    this.report(thrown);
  }

  #end(orderly: boolean, error: Error | undefined): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      void this.#endNow(orderly, error);
    }
    return this.#closing.promise;
  }

  async #endNow(orderly: boolean, error: Error | undefined): Promise<void> {
    this.#works.end(orderly, error);
    this.#ready.reject(new DtlsError("DTLS_CLOSED", "the endpoint was closed before its port was open"));
    // Called from a callback, the last words of its own session are said when that has returned.
    await Promise.resolve();
    await this.#socket?.close();
    if (error === undefined) this.#closed.resolve();
    else this.#closed.reject(error);
    this.#closing.resolve();
    try {
      this.emit("close");
    } catch (thrown) {
      this.report(thrown);
    }
  }
}

/** Anything can be thrown, even what has no text. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const isPlain = (typeof thrown !== "object" || thrown === null) && typeof thrown !== "function";
  return new Error(isPlain ? String(thrown) : `a callback threw what is no Error (${typeof thrown})`);
}
