import { X509Certificate } from "node:crypto";
import { EventEmitter } from "node:events";
import { isUint8Array } from "node:util/types";
import type { Address } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import { type Connection, protocol } from "./connection.ts";
import type { DTLSEndpoint } from "./endpoint.ts";

/** Events of a session, besides its callbacks. */
export interface SessionEvents {
  message: [data: Uint8Array];
  handshake: [protocol: string];
  /** RFC 9146 §6: the peer proved to have moved. */
  address: [moved: { readonly from: Address; readonly to: Address }];
  /** Client: something to resume with, as `session.session`. */
  session: [session: Uint8Array];
  error: [error: DtlsError];
  close: [error: DtlsError | undefined];
}

export interface SessionStats {
  /** Milliseconds, on the clock of `performance.now()`. */
  readonly createdAt: number;
  readonly handshakeCompletedAt: number | undefined;
  /** When something of the peer was last found authentic. */
  readonly lastHeardAt: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
}

export interface SessionCipher {
  readonly name: string;
  readonly standardName: string;
  readonly version: string;
}

export interface RemoteAddress {
  readonly address: string;
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
}

/** What sessions need of their endpoint: one object for all of them. */
export interface SessionParts {
  readonly endpoint: DTLSEndpoint;
  readonly acceptsAnyPeer: boolean;
  /** Client: what resumes this session. */
  readonly resumable: () => Uint8Array | undefined;
  /** A listener was asynchronous, and rejected. */
  readonly onRejection: (thrown: unknown, connection: Connection) => void;
  /** Client: when the socket is closed too. */
  readonly released: () => Promise<void>;
}

/**
 * One association. A server is given it when the peer has proved who it is and the handshake is complete; a client has
 * it at once and awaits `opened`.
 *
 * Callbacks may do anything, also close or destroy the session. What they throw, or reject with, destroys this
 * session alone and is reported by the endpoint's "error" event.
 */
export class DTLSSession extends EventEmitter<SessionEvents> implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #parts: SessionParts;
  /** Called with each message: DTLS keeps them apart, may lose them, and may change their order. */
  onmessage: ((data: Uint8Array) => unknown) | undefined;
  onerror: ((error: DtlsError) => unknown) | undefined;
  onhandshake: ((protocol: string) => unknown) | undefined;
  /** Only with the option `onkeylog`: the lines of this session. */
  onkeylog: ((line: string) => unknown) | undefined;

  /** Made by `listen` and `connect` alone. */
  constructor(connection: Connection, parts: SessionParts) {
    super({ captureRejections: true });
    this.#connection = connection;
    this.#parts = parts;
  }

  /**
   * Sends one message, which must fit into one record. It is on its way when the current turn of the event loop ends.
   * @throws DtlsError DTLS_CLOSED, DTLS_MESSAGE_SIZE, DTLS_OPTIONS_INVALID for what is neither bytes nor text
   */
  send(data: Uint8Array | string): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    // Where nothing checks types: what only looks like bytes would end the session while it is encrypted.
    if (!isUint8Array(bytes))
      throw new DtlsError("DTLS_OPTIONS_INVALID", "data must be a Uint8Array or a string");
    this.#connection.send(bytes);
  }

  /** In bytes; 0 before the handshake is complete. */
  get maxMessageSize(): number {
    return this.#connection.association.maxPlaintext;
  }

  /** When the handshake is complete; rejects when it fails. */
  get opened(): Promise<{ readonly protocol: string }> {
    return this.#connection.opened.promise;
  }

  /** When the session has ended; rejects with the error that ended it, if it was one. */
  get closed(): Promise<void> {
    return this.#connection.closed.promise;
  }

  /** Tells the peer and ends. How the session ended, `closed` says: this is for letting go, and never rejects. */
  async close(): Promise<void> {
    this.#connection.close();
    await this.closed.catch(() => undefined);
    await this.#parts.released();
  }

  /** Ends without a word; with a DtlsError that has an alert, the peer is sent that. */
  destroy(error?: Error): void {
    if (error === undefined) this.#connection.drop();
    else this.#connection.fail(asDtlsError(error));
  }

  get destroyed(): boolean {
    return this.#connection.isClosed;
  }

  get endpoint(): DTLSEndpoint {
    return this.#parts.endpoint;
  }

  /** Where the peer is now. */
  get remoteAddress(): RemoteAddress {
    const { address, port } = this.#connection.association.address;
    return { address, port, family: address.includes(":") ? "IPv6" : "IPv4" };
  }

  /** The proof of who the peer is; undefined before the handshake is complete, and for an anonymous client. */
  get peer(): AuthenticatedPeer | undefined {
    return this.#connection.association.peer;
  }

  /** What `verifyPeer` returned when it was asked last; with the option `ca` a CertificateIdentity. */
  get identity(): unknown {
    return this.#connection.identity;
  }

  /** The peer proved who it is, and was verified. */
  get authorized(): boolean {
    return this.authorizationError === undefined;
  }

  get authorizationError(): string | undefined {
    if (!this.#connection.isEstablished) return "HANDSHAKE_INCOMPLETE";
    if (this.peer === undefined) return "DTLS_NO_CERTIFICATE";
    return this.#parts.acceptsAnyPeer && this.peer.certificateType !== "PSK"
      ? "DTLS_CERTIFICATE_UNKNOWN"
      : undefined;
  }

  /** Parsed anew at each call: a server with many sessions has little use for the object. */
  get peerX509Certificate(): X509Certificate | undefined {
    const leaf = this.peer?.certificateType === "X509" ? this.peer.chain[0] : undefined;
    return leaf === undefined ? undefined : new X509Certificate(leaf);
  }

  /** As node:tls's getPeerCertificate(). */
  get peerCertificate(): ReturnType<X509Certificate["toLegacyObject"]> | undefined {
    return this.peerX509Certificate?.toLegacyObject();
  }

  get cipher(): SessionCipher | undefined {
    const suite = this.#connection.association.cipherSuite;
    if (suite === undefined || !this.#connection.isEstablished) return undefined;
    return { name: suite.opensslName, standardName: suite.name, version: protocol };
  }

  get protocol(): string | undefined {
    return this.#connection.isEstablished ? protocol : undefined;
  }

  get alpnProtocol(): string | undefined {
    return this.#connection.association.alpnProtocol;
  }

  /** The name that the client asked for. */
  get servername(): string | undefined {
    return this.#connection.association.serverName;
  }

  /** The handshake was abbreviated: an earlier session was resumed. */
  get reused(): boolean {
    return this.#connection.association.resumed;
  }

  /**
   * Client: what `connect` takes as `session` to resume this one. It holds the master secret: keep it as a key is
   * kept. Undefined until the server has given something to resume with.
   */
  get session(): Uint8Array | undefined {
    return this.#parts.resumable();
  }

  /** RFC 5705, in the order of arguments of node:tls. @throws DtlsError DTLS_CLOSED, DTLS_OPTIONS_INVALID */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Uint8Array {
    return this.#connection.association.exportKeyingMaterial(label, length, context);
  }

  get stats(): SessionStats {
    const connection = this.#connection;
    return {
      createdAt: connection.createdAt,
      handshakeCompletedAt: connection.establishedAt,
      lastHeardAt: connection.heardAt,
      bytesReceived: connection.bytesReceived,
      bytesSent: connection.bytesSent,
      messagesReceived: connection.messagesReceived,
      messagesSent: connection.messagesSent,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What an asynchronous listener rejected with. */
  override [EventEmitter.captureRejectionSymbol](thrown: unknown): void {
    this.#parts.onRejection(thrown, this.#connection);
  }
}

function asDtlsError(error: Error): DtlsError {
  if (error instanceof DtlsError) return error;
  return new DtlsError("DTLS_CLOSED", `the session was destroyed: ${error.message}`, { cause: error });
}
