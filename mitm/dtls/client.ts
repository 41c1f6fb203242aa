import { randomBytes } from "../../dtls/crypto/random.ts";
import { suiteById } from "../../dtls/crypto/suites.ts";
import { Certificate, CertificateRequest, CertificateVerify } from "../../dtls/wire/certificate.ts";
import { type ClientExtensions, writeClientExtensions } from "../../dtls/wire/extensions.ts";
import { Finished } from "../../dtls/wire/finished.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../../dtls/wire/hello.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import { CipherSuite, HandshakeType, ProtocolVersion } from "../../dtls/wire/registry.ts";
import type { Address } from "../endpoint.ts";
import type { Message } from "./assembly.ts";
import { ClientKeys } from "./client-keys.ts";
import { defaultSuites, offeredExtensions } from "./client-offer.ts";
import { DtlsEnd } from "./end.ts";
import { readServerKeyExchange, type SignedParams, verifyServerKeyExchange } from "./key-exchange.ts";
import type { MessageName } from "./names.ts";
import type { DtlsOptions, Psk } from "./options.ts";
import type { MessageOrder } from "./order.ts";
import { DatagramPort } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { defaultSchemes, schemeFor, signWith } from "./signing.ts";
import { answerOf, defaultGroups, flightOf, messagesFromServer } from "./terms.ts";

export interface DtlsClientOptions extends DtlsOptions {
  /** RFC 6066 §3; never an address. */
  readonly serverName?: string | undefined;
  /** Offers suites with pre-shared keys too, or alone where there is no other. */
  readonly psk?: Psk | undefined;
  /** Fields of the ClientHello in place of the right ones. */
  readonly hello?: Partial<ClientHello> | undefined;
  /** The address to send from; default any. */
  readonly localAddress?: string | undefined;
}

/** RFC 6347 §4.2.1 sets no number; a server that asks more often does not mean to go on. */
const mostHelloVerifyRequests = 4;

export class DtlsClient extends DtlsEnd {
  readonly options: DtlsClientOptions;
  /** What the server last asked to have back. */
  cookie: Uint8Array = new Uint8Array();
  serverHello: ServerHello | undefined;
  readonly order: MessageOrder;
  readonly #offered: ClientExtensions;
  readonly #suites: readonly number[];
  #verifyRequests = 0;
  #requested: CertificateRequest | undefined;
  #signed: SignedParams | undefined;
  readonly #keys: ClientKeys;

  private constructor(port: DatagramPort, options: DtlsClientOptions) {
    super("client", port, options);
    this.options = options;
    this.#keys = new ClientKeys(options.psk);
    this.incoming.unnumbered = new Set([HandshakeType.hello_verify_request, HandshakeType.server_hello]);
    this.#suites = options.cipherSuites ?? defaultSuites(options);
    this.#offered = offeredExtensions(options);
    this.order = messagesFromServer(this.tolerance);
    this.receiveConnectionId = options.connectionId;
  }

  /** A socket towards the address; nothing is sent yet. @throws MitmError MITM_ADDRESS */
  static async connect(address: Address, options: DtlsClientOptions): Promise<DtlsClient> {
    return new DtlsClient(await DatagramPort.dial(address, options.localAddress), options);
  }

  protected override async negotiate(): Promise<void> {
    await this.hello();
    this.flight(this.options.order ?? this.rightFlight());
    await this.finish();
  }

  /**
   * The first half: ClientHello, with the cookie when asked, and the server's flight up to ServerHelloDone. Used by hand
   * within `attempt`.
   */
  async hello(): Promise<void> {
    this.flight(["ClientHello"]);
    await this.hearUntil(
      () => this.order.has("Finished") || (this.order.has("ServerHelloDone") && this.#mayAnswer),
    );
  }

  /** Waits for the server's ChangeCipherSpec and Finished, or for data that shows that it went on without. */
  async finish(): Promise<void> {
    if (!this.order.has("Finished")) await this.hearUntil(() => this.order.has("Finished"));
  }

  /** Hears the HelloVerifyRequest and ServerHello of a further handshake on the same pair of addresses. */
  listenAgain(): void {
    this.incoming.unnumbered = new Set([HandshakeType.hello_verify_request, HandshakeType.server_hello]);
  }

  /** The messages that a right client sends after the server's flight. */
  rightFlight(): MessageName[] {
    return flightOf(this.#requested !== undefined, this.options.credential !== undefined);
  }

  /** A weak twin that takes messages in any order waits until it has all. */
  get #mayAnswer(): boolean {
    return this.tolerance.isAttacker || this.order.completeBefore("ServerHelloDone");
  }

  protected override hear(message: Message): void {
    const { msgType, body } = message;
    if (msgType === HandshakeType.hello_verify_request) this.#verifyRequest(body);
    else if (msgType !== HandshakeType.hello_request) this.#ordered(message);
  }

  #ordered(message: Message): void {
    this.inOrder(message);
    if (message.msgType === HandshakeType.finished) {
      const { verifyData } = decode("Finished", Finished, message.body);
      this.checkFinished("server", verifyData, message.epoch);
    }
    this.transcribe(message);
    switch (message.msgType) {
      case HandshakeType.server_hello:
        this.incoming.unnumbered = this.tolerance.lacks("late-hello-verify-request")
          ? new Set([HandshakeType.hello_verify_request])
          : new Set();
        this.#hello(decode("ServerHello", ServerHello, message.body));
        break;
      case HandshakeType.certificate:
        this.showChain(decode("Certificate", Certificate, message.body).certificateList);
        this.#verifyKeyExchange();
        break;
      case HandshakeType.server_key_exchange:
        this.#keyExchange(message.body);
        break;
      case HandshakeType.certificate_request:
        this.#requested = decode("CertificateRequest", CertificateRequest, message.body);
        break;
      default:
        break;
    }
  }

  /** Keeps the cookie of a HelloVerifyRequest, and forgets the ClientHello that it answers. */
  learnCookie(body: Uint8Array): void {
    this.cookie = Uint8Array.from(decode("HelloVerifyRequest", HelloVerifyRequest, body).cookie);
    // RFC 6347 §4.2.1: neither it nor the ClientHello before it is in the transcript.
    this.transcript = [];
  }

  #verifyRequest(body: Uint8Array): void {
    const { cookie } = decode("HelloVerifyRequest", HelloVerifyRequest, body);
    if (this.order.has("ServerHello")) {
      if (!this.tolerance.lacks("late-hello-verify-request")) {
        if (this.tolerance.isAttacker) return;
        throw Refusal.byThisEnd("unexpected_message", "HelloVerifyRequest after ServerHello");
      }
    } else if (this.cookie.length > 0 && Buffer.compare(cookie, this.cookie) === 0) return;
    this.#verifyRequests += 1;
    if (this.#verifyRequests > mostHelloVerifyRequests && this.tolerance.holds("hello-verify-request-loop")) {
      throw Refusal.byThisEnd(
        "unexpected_message",
        `HelloVerifyRequest for the ${this.#verifyRequests}th time`,
      );
    }
    this.learnCookie(body);
    this.flight(["ClientHello"]);
  }

  #hello(hello: ServerHello): void {
    const { tolerance } = this;
    this.serverHello = hello;
    this.peerRandom = Uint8Array.from(hello.random);
    this.suite = suiteById(hello.cipherSuite);
    if (hello.serverVersion !== ProtocolVersion.DTLS_1_2 && tolerance.holds("legacy-version-accepted")) {
      throw Refusal.byThisEnd("protocol_version", `version ${hello.serverVersion.toString(16)}`);
    }
    if (!this.#suites.includes(hello.cipherSuite) && tolerance.holds("unoffered-cipher-suite")) {
      throw Refusal.byThisEnd("illegal_parameter", `suite ${hello.cipherSuite} was not offered`);
    }
    if (this.suite === undefined) throw Refusal.byThisEnd("handshake_failure", "a suite that is not known");
    if (this.suite.keyExchange.includes("PSK")) this.order.excuse("Certificate", "ServerKeyExchange");
    if (hello.compressionMethod !== 0 && tolerance.holds("compression-accepted")) {
      throw Refusal.byThisEnd("illegal_parameter", "compression");
    }
    const chosen = answerOf(hello.extensions, this.#offered, tolerance);
    this.extendedMasterSecret = chosen.extendedMasterSecret === true;
    if (!this.extendedMasterSecret && tolerance.holds("extended-master-secret-not-required")) {
      throw Refusal.byThisEnd("handshake_failure", "no extended master secret");
    }
    this.sendConnectionId = chosen.connectionId && Uint8Array.from(chosen.connectionId);
    if (chosen.connectionId === undefined) this.receiveConnectionId = undefined;
  }

  #keyExchange(body: Uint8Array): void {
    if (this.suite === undefined) return;
    const exchange = readServerKeyExchange(this.suite.keyExchange, body);
    this.#keys.server = exchange.key;
    const groups = this.options.groups ?? defaultGroups;
    const offered = exchange.key === undefined || groups.includes(exchange.key.group);
    if (!offered && this.tolerance.holds("unoffered-group")) {
      throw Refusal.byThisEnd("illegal_parameter", `group ${exchange.key?.group} was not offered`);
    }
    this.#signed = exchange.signed;
    // A weak twin that takes messages in any order may have to wait for the key.
    const waits = this.peerChain.length === 0 && this.tolerance.lacks("handshake-order-not-enforced");
    if (!waits) this.#verifyKeyExchange();
  }

  #verifyKeyExchange(): void {
    if (this.#signed === undefined || this.tolerance.isAttacker) return;
    verifyServerKeyExchange(this.#signed, this.peerChain, {
      randoms: [this.random, this.peerRandom ?? new Uint8Array(32)],
      offered: this.options.signatureSchemes ?? defaultSchemes,
      tolerance: this.tolerance,
    });
  }

  // --- what it says ---

  protected override bodyOf(name: MessageName): Uint8Array {
    const certificateList = [...(this.options.credential?.chain ?? [])];
    const bodies: Partial<Record<MessageName, () => Uint8Array>> = {
      ClientHello: () => this.helloBody(),
      Certificate: () => encode(Certificate, { certificateList }),
      ClientKeyExchange: () => this.#keys.exchange(this.suite),
      CertificateVerify: () => this.certificateVerifyBody(),
      Finished: () => encode(Finished, { verifyData: this.verifyDataOf("client") }),
    };
    return bodies[name]?.() ?? new Uint8Array();
  }

  protected override said(msgType: number): void {
    if (msgType === HandshakeType.client_key_exchange) this.derive(this.#keys.premaster(this.suite));
  }

  /** The ClientHello of this client, with the cookie that it has. */
  helloBody(over: Partial<ClientHello> = {}): Uint8Array {
    return encode(ClientHello, {
      clientVersion: ProtocolVersion.DTLS_1_2,
      random: this.random,
      sessionId: new Uint8Array(),
      cookie: this.cookie,
      cipherSuites: [...this.#suites, CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV],
      compressionMethods: [0],
      extensions: [...(writeClientExtensions(this.#offered) ?? []), ...(this.options.extensions ?? [])],
      ...this.options.hello,
      ...over,
    });
  }

  /** RFC 5246 §7.4.8: over all messages so far, unless something else is given. */
  certificateVerifyBody(signed: Uint8Array = Buffer.concat(this.transcript)): Uint8Array {
    const key = this.options.credential?.key;
    if (key === undefined)
      return encode(CertificateVerify, { algorithm: 0x0403, signature: randomBytes(64) });
    const offered = this.#requested?.supportedSignatureAlgorithms ?? defaultSchemes;
    const algorithm = schemeFor(key, offered);
    return encode(CertificateVerify, { algorithm, signature: signWith(key, algorithm, signed) });
  }
}
