import type { Duplex } from "node:stream";
import { randomBytes } from "../../dtls/crypto/random.ts";
import type { HandshakeResult } from "../endpoint.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { ClientHello, chainOf, decode, helloRequest, serverHello } from "./messages.ts";
import { HandshakeType, ProtocolVersion } from "./numbers.ts";
import { ClientRequest } from "./server-choice.ts";
import type { ServerOptions } from "./server-options.ts";
import { Server12 } from "./server12.ts";
import { Server13 } from "./server13.ts";
import { TlsEnd } from "./tls-end.ts";

export interface TlsServerOptions extends ServerOptions {
  /** What the caller has read of the socket before. */
  readonly head?: Uint8Array;
}

type Failed = Extract<HandshakeResult, { completed: false }>;

/**
 * A scripted TLS server for one connection. `handshake` does it all; in steps it is `hello` (the ClientHello, and the
 * server's flight after it) and `finish` (the client's flight, and what TLS 1.2 has after that).
 */
export class TlsServer extends TlsEnd {
  readonly role = "server";
  /** The handshake as it stands, by version: for attacks that make single messages of it. */
  tls12: Server12 | undefined;
  tls13: Server13 | undefined;
  /** What the client asked for. */
  request: ClientRequest | undefined;
  readonly #options: TlsServerOptions;
  #refusedRenegotiations = 0;

  private constructor(socket: Duplex, options: TlsServerOptions) {
    super(socket, "server", options, options.head);
    this.#options = options;
  }

  static accept(socket: Duplex, options: TlsServerOptions): TlsServer {
    return new TlsServer(socket, options);
  }

  async handshake(): Promise<HandshakeResult> {
    const failed = await this.hello();
    return failed ?? this.finish();
  }

  /** Reads the ClientHello and sends the flight after it; undefined if that went well. */
  hello(): Promise<Failed | undefined> {
    this.beginHandshake();
    return this.attempt(async () => {
      await this.#hello(await this.expect([HandshakeType.client_hello]), false);
    });
  }

  /** The client's flight after the server's. */
  async finish(): Promise<HandshakeResult> {
    const failed = await this.attempt(() => this.#finish());
    if (failed !== undefined) return failed;
    const { tls12, tls13 } = this;
    return {
      completed: true,
      version: this.version ?? "TLS 1.2",
      cipherSuite: tls13?.suite.id ?? tls12?.terms.suite.id ?? 0,
      resumed: tls13?.resumed ?? tls12?.resumed ?? false,
      peerChain: this.peerChain,
    };
  }

  /** The protocol that ALPN agreed on. */
  get applicationProtocol(): string | undefined {
    return this.tls13?.applicationProtocol ?? this.tls12?.applicationProtocol;
  }

  /** TLS 1.2: asks for a renegotiation (RFC 5246 §7.4.1.1); `receive` goes along when the client begins it. */
  sendHelloRequest(options: { readonly attack?: boolean } = {}): void {
    this.sendHandshake(helloRequest(), { ...options, transcribed: false });
  }

  /** TLS 1.3: new keys for what this end sends, and if asked for, for what the peer does. */
  sendKeyUpdate(requestUpdate: boolean, options: { readonly attack?: boolean } = {}): void {
    this.tls13?.traffic?.sendKeyUpdate(requestUpdate, options);
  }

  protected override async afterHandshake(message: HandshakeMessage): Promise<void> {
    const { tls13 } = this;
    if (tls13 !== undefined) {
      if (message.msgType === HandshakeType.key_update) {
        tls13.traffic?.receiveKeyUpdate(message);
        return;
      }
      if (this.#postHandshakeCertificate(message)) return;
    } else if (message.msgType === HandshakeType.client_hello) {
      await this.#renegotiation(message);
      return;
    }
    this.require(
      "unexpected-messages-ignored",
      false,
      "unexpected_message",
      `${message.name} after the handshake`,
    );
  }

  /**
   * RFC 8446 §4.6.2: a Certificate of a client after the handshake answers a CertificateRequest, and none was sent. A
   * server without this rule takes its word for it.
   */
  #postHandshakeCertificate(message: HandshakeMessage): boolean {
    if (this.holds("post-handshake-certificate-accepted")) return false;
    if (message.msgType === HandshakeType.certificate) {
      this.judgePeer(chainOf("TLS 1.3", message.body));
      return true;
    }
    const proof: readonly number[] = [HandshakeType.certificate_verify, HandshakeType.finished];
    return proof.includes(message.msgType);
  }

  async #renegotiation(message: HandshakeMessage): Promise<void> {
    if (this.holds("renegotiates")) {
      this.#refusedRenegotiations += 1;
      if (this.#refusedRenegotiations > 3)
        this.refuse("handshake_failure", "one renegotiation after another");
      // RFC 5246 §7.2.2: "a warning; that alert ... When that happens, the initiator can decide whether to proceed".
      this.sendAlert("no_renegotiation", "warning");
      return;
    }
    this.transcript.clear();
    this.beginHandshake();
    await this.#hello(message, true);
    await this.#finish();
  }

  async #hello(message: HandshakeMessage, renegotiates: boolean): Promise<void> {
    const hello = decode(message.name, ClientHello, message.body);
    this.taken(message);
    const request = new ClientRequest(this, this.#options, hello);
    this.request = request;
    const version = renegotiates ? "TLS 1.2" : request.version();
    if (version === "legacy") this.#goAlongWithLegacy(hello);
    this.version = version;
    this.ownChain();
    if (version === "TLS 1.3") {
      this.tls13 = new Server13(this, this.#options, request, message);
      await this.tls13.ownFlight();
      return;
    }
    this.tls12 = new Server12(this, this.#options, request, renegotiates);
    this.tls12.ownFlight();
  }

  async #finish(): Promise<void> {
    await this.tls13?.clientFlight();
    await this.tls12?.clientFlight();
  }

  /** As a server of old would: its hello says so. What comes then this engine cannot speak. */
  #goAlongWithLegacy(hello: ClientHello): never {
    this.emit(
      serverHello({
        serverVersion: Math.min(hello.legacyVersion, ProtocolVersion.TLS_1_1),
        random: randomBytes(32),
        sessionId: new Uint8Array(),
        cipherSuite: hello.cipherSuites[0] ?? 0,
        compressionMethod: 0,
      }),
    );
    this.refuse("internal_error", "a version that this engine cannot speak");
  }
}
