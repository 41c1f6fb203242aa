import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Address, Credential, HandshakeResult } from "../endpoint.ts";
import { MitmError, whyUnreached } from "../errors.ts";
import { ClientOffer, type OfferContext, type OfferOptions } from "./client-offer.ts";
import { Client12 } from "./client12.ts";
import { Client13, checkExtensions } from "./client13.ts";
import { ExtensionReader } from "./extensions.ts";
import { KeySchedule, trafficKeys } from "./key-schedule.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { decode, ServerHello } from "./messages.ts";
import { ExtensionType, HandshakeType, helloRetryRequestRandom, ProtocolVersion } from "./numbers.ts";
import type { TlsSession } from "./session.ts";
import { suite13 } from "./suites.ts";
import { TlsEnd } from "./tls-end.ts";

export interface TlsClientOptions extends OfferOptions {
  /** How long the TCP connection may take, ms; default `answerMs`. */
  readonly connectMs?: number;
}

/** RFC 8446 §4.1.4 */
const retryExtensions: readonly number[] = [
  ExtensionType.supported_versions,
  ExtensionType.key_share,
  ExtensionType.cookie,
];

type Failed = Extract<HandshakeResult, { completed: false }>;

/**
 * A scripted TLS client. `handshake` does it all; in steps it is `hello` (to the end of the server's flight), `ownFlight`
 * and `finish`, and in between a caller may send what it likes with `sendHandshake`, `replace` and `records`.
 *
 *     const client = await TlsClient.connect(address, { recorder, self: "lab", peer: "gateway", credential,
 *       tolerates: "everything", answerMs: 1000 });
 *     const result = await client.handshake();
 *     client.send(Buffer.from("hello"));
 *     const answer = await client.receive(1000);
 *
 * In TLS 1.3 a client's handshake is over before the server has judged its certificate: `receive` shows the verdict.
 */
export class TlsClient extends TlsEnd {
  readonly role = "client";
  /** Sessions that the server gave tickets for, oldest first. */
  readonly sessions: TlsSession[] = [];
  /** The handshake as it stands, by version: for attacks that make single messages of it. */
  tls12: Client12 | undefined;
  tls13: Client13 | undefined;
  readonly #options: TlsClientOptions;

  private constructor(socket: Duplex, options: TlsClientOptions) {
    super(socket, "client", options);
    this.#options = options;
    this.records.version = ProtocolVersion.TLS_1_0;
  }

  /** @throws MitmError MITM_ADDRESS where nobody answers */
  static async connect(address: Address, options: TlsClientOptions): Promise<TlsClient> {
    const socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    const limit = options.connectMs ?? options.answerMs;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no connection within ${limit} ms`)), limit);
        socket.once("connect", resolve).once("error", reject);
        socket.once("close", () => clearTimeout(timer)).once("connect", () => clearTimeout(timer));
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
    return new TlsClient(socket, options);
  }

  /** On a socket that is connected. */
  static over(socket: Duplex, options: TlsClientOptions): TlsClient {
    return new TlsClient(socket, options);
  }

  async handshake(): Promise<HandshakeResult> {
    const failed = await this.hello();
    if (failed !== undefined) return failed;
    this.ownFlight();
    return this.finish();
  }

  /** ClientHello, and the server's flight after it; undefined if all of it came. */
  hello(): Promise<Failed | undefined> {
    this.beginHandshake();
    return this.attempt(() => this.#hello(new ClientOffer(this.#options), this.#options.credential));
  }

  /** The client's own messages after the server's flight. */
  ownFlight(): void {
    this.ownChain();
    this.tls13?.ownFlight();
    this.tls12?.ownFlight();
    this.records.flush();
  }

  /** What the server still has to say before the handshake is complete for a client. */
  async finish(): Promise<HandshakeResult> {
    const { tls12, tls13 } = this;
    const failed = await this.attempt(async () => {
      if (tls12 === undefined) return;
      await tls12.finish();
      if (tls12.session !== undefined) this.sessions.push(tls12.session);
    });
    if (failed !== undefined) return failed;
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

  /**
   * TLS 1.2: a further handshake within the session (RFC 5246 §7.4.1.1), with another credential if one is given. What
   * a hook does to ClientHello is done to this one too.
   */
  async renegotiate(options: { readonly credential?: Credential } = {}): Promise<HandshakeResult> {
    const credential = options.credential ?? this.#options.credential;
    const renegotiated = this.verifyData?.client ?? new Uint8Array();
    this.transcript.clear();
    this.beginHandshake();
    const { session: _, ...fresh } = this.#options;
    const failed = await this.attempt(() =>
      this.#hello(new ClientOffer(fresh), credential, { renegotiated }),
    );
    if (failed !== undefined) return failed;
    this.ownFlight();
    return this.finish();
  }

  /** TLS 1.3: new keys for what this end sends, and if asked for, for what the peer does. */
  sendKeyUpdate(requestUpdate: boolean, options: { readonly attack?: boolean } = {}): void {
    this.tls13?.traffic?.sendKeyUpdate(requestUpdate, options);
  }

  protected override async afterHandshake(message: HandshakeMessage): Promise<void> {
    const { tls13 } = this;
    if (tls13 !== undefined) {
      if (message.msgType === HandshakeType.new_session_ticket) {
        if (this.sessions.length < 16) this.sessions.push(tls13.session(message));
        return;
      }
      if (message.msgType === HandshakeType.key_update) {
        tls13.traffic?.receiveKeyUpdate(message);
        return;
      }
      if (
        message.msgType === HandshakeType.certificate_request &&
        !this.holds("post-handshake-request-answered")
      ) {
        // Who asks sees by the first of the three messages that it is answered.
        this.sendHandshake(tls13.certificate(), { transcribed: false });
        return;
      }
    } else if (message.msgType === HandshakeType.hello_request) {
      if (this.holds("renegotiates")) {
        // RFC 5246 §7.2.2
        this.sendAlert("no_renegotiation", "warning");
        return;
      }
      await this.renegotiate();
      return;
    }
    this.require(
      "unexpected-messages-ignored",
      false,
      "unexpected_message",
      `${message.name} after the handshake`,
    );
  }

  async #hello(
    offer: ClientOffer,
    credential: Credential | undefined,
    context: OfferContext = {},
  ): Promise<void> {
    offer.sent(this.emit(offer.message(this.transcript, context)));
    this.records.version = ProtocolVersion.TLS_1_2;
    const earlyDataSent = context.renegotiated === undefined && this.#sendEarlyData(offer);
    let message = await this.expect([HandshakeType.server_hello]);
    let hello = decode(message.name, ServerHello, message.body);
    let retrySuite: number | undefined;
    const isRetry = () =>
      offer.offers(ProtocolVersion.TLS_1_3) && Buffer.compare(hello.random, helloRetryRequestRandom) === 0;
    for (let retries = 0; isRetry(); retries += 1) {
      // RFC 8446 §4.1.4
      if (retries > 3) this.refuse("unexpected_message", "one HelloRetryRequest after another");
      this.require(
        "second-hello-retry-request",
        retries === 0,
        "unexpected_message",
        "a second HelloRetryRequest",
      );
      this.#retry(offer, hello, message);
      retrySuite = hello.cipherSuite;
      message = await this.expect([HandshakeType.server_hello]);
      hello = decode(message.name, ServerHello, message.body);
    }
    this.taken(message);
    const version = new ExtensionReader(hello.extensions).selectedVersion() ?? hello.serverVersion;
    this.#checkVersion(offer, version);
    // RFC 8446 §4.1.4: "clients MUST check that the cipher suite supplied in the ServerHello is the same as that in the
    // HelloRetryRequest"
    const sameSuite = retrySuite === undefined || retrySuite === hello.cipherSuite;
    this.require(
      "changed-second-hello",
      sameSuite,
      "illegal_parameter",
      "another suite than in HelloRetryRequest",
    );
    if (version === ProtocolVersion.TLS_1_3) {
      this.version = "TLS 1.3";
      this.tls13 = new Client13(this, offer, hello, { credential, earlyDataSent });
      await this.tls13.serverFlight();
      return;
    }
    this.version = "TLS 1.2";
    this.tls12 = new Client12(this, offer, hello, {
      credential,
      renegotiates: context.renegotiated !== undefined,
    });
    await this.tls12.serverFlight();
  }

  #checkVersion(offer: ClientOffer, version: number): void {
    const name = `version 0x${version.toString(16).padStart(4, "0")}`;
    this.require("legacy-version-accepted", version >= ProtocolVersion.TLS_1_2, "protocol_version", name);
    const spoken = version === ProtocolVersion.TLS_1_2 || version === ProtocolVersion.TLS_1_3;
    const known = spoken || version < ProtocolVersion.TLS_1_2;
    if (!known || (spoken && !offer.offers(version)))
      this.refuse("protocol_version", `${name} was not offered`);
  }

  #retry(offer: ClientOffer, hello: ServerHello, message: HandshakeMessage): void {
    const suite = suite13(hello.cipherSuite);
    if (suite === undefined)
      this.refuse("illegal_parameter", "a HelloRetryRequest with a suite of another version");
    const extensions = new ExtensionReader(hello.extensions);
    checkExtensions(this, extensions, (type) => retryExtensions.includes(type));
    const group = extensions.selectedGroup();
    const cookie = extensions.cookie();
    if (group !== undefined) {
      const sensible = offer.groups.includes(group) && !offer.shares.has(group);
      this.require("unoffered-group", sensible, "illegal_parameter", "a HelloRetryRequest for no new group");
      offer.addShare(group);
    } else if (cookie === undefined) {
      this.refuse("illegal_parameter", "a HelloRetryRequest that changes nothing");
    }
    this.transcript.replaceFirstByHash(suite.hash);
    this.transcript.add(message.bytes);
    // RFC 8446 §4.2.10: early data is over, and the second ClientHello is in clear.
    this.records.write = undefined;
    this.emitChangeCipherSpec();
    offer.sent(this.emit(offer.message(this.transcript, { retry: { group, cookie } })));
  }

  /** RFC 8446 §4.2.10: right after ClientHello, with keys of the PSK. */
  #sendEarlyData(offer: ClientOffer): boolean {
    const { session, earlyData } = this.#options;
    const suite = session === undefined ? undefined : suite13(session.cipherSuite);
    if (session === undefined || suite === undefined || earlyData === undefined) return false;
    if (!offer.extensions.has(ExtensionType.early_data)) return false;
    const secret = new KeySchedule(suite.hash, session.secret).clientEarlyTraffic(
      this.transcript.hash(suite.hash),
    );
    this.secret("CLIENT_EARLY_TRAFFIC_SECRET", offer.random, secret);
    this.records.write = trafficKeys(suite, secret);
    this.send(earlyData, { attack: true, note: "early data" });
    return true;
  }
}
