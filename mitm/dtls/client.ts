import { generateKeyShare, type KeyShare } from "../../dtls/crypto/key-agreement.ts";
import { ecdhePskPremaster, pskPremaster } from "../../dtls/crypto/premaster.ts";
import { randomBytes } from "../../dtls/crypto/random.ts";
import { type Suite, suiteById, suites } from "../../dtls/crypto/suites.ts";
import { DtlsError } from "../../dtls/errors.ts";
import { Certificate, CertificateRequest, CertificateVerify } from "../../dtls/wire/certificate.ts";
import { type ClientExtensions, writeClientExtensions } from "../../dtls/wire/extensions.ts";
import { Finished } from "../../dtls/wire/finished.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../../dtls/wire/hello.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
} from "../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import { CipherSuite, HandshakeType, NamedGroup, ProtocolVersion } from "../../dtls/wire/registry.ts";
import type { Address } from "../endpoint.ts";
import type { Message } from "./assembly.ts";
import { DtlsEnd } from "./end.ts";
import type { Incoming } from "./incoming.ts";
import { readServerKeyExchange, type SignedParams, verifyServerKeyExchange } from "./key-exchange.ts";
import { type MessageName, messageName } from "./names.ts";
import type { DtlsOptions, Psk } from "./options.ts";
import type { MessageOrder } from "./order.ts";
import { DatagramPort } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { defaultSchemes, schemeFor, signWith } from "./signing.ts";
import { answerOf, flightOf, messagesFromServer } from "./terms.ts";

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

const defaultGroups: readonly number[] = [NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1];

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
  #serverKey: { readonly group: number; readonly point: Uint8Array } | undefined;
  #signed: SignedParams | undefined;
  #ownShare: KeyShare | undefined;

  private constructor(port: DatagramPort, options: DtlsClientOptions) {
    super("client", port, options);
    this.options = options;
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
    await this.until((incoming) => {
      if (incoming.kind === "message") this.#take(incoming.message);
      else this.#other(incoming);
      return this.order.has("Finished") || (this.order.has("ServerHelloDone") && this.#mayAnswer);
    });
  }

  /** Waits for the server's ChangeCipherSpec and Finished, or for data that shows that it went on without. */
  async finish(): Promise<void> {
    if (this.order.has("Finished")) return;
    await this.until((incoming) => {
      if (incoming.kind === "message") this.#take(incoming.message);
      else this.#other(incoming);
      return this.order.has("Finished") || this.#finishedWithout(incoming);
    });
  }

  /** Hears the HelloVerifyRequest and ServerHello of a further handshake on the same pair of addresses. */
  listenAgain(): void {
    this.incoming.unnumbered = new Set([HandshakeType.hello_verify_request, HandshakeType.server_hello]);
  }

  /** The messages that a right client sends after the server's flight. */
  rightFlight(): MessageName[] {
    return flightOf(this.#requested !== undefined, this.options.credential !== undefined);
  }

  #other(incoming: Incoming): void {
    if (incoming.kind === "changeCipherSpec" && this.order.take("ChangeCipherSpec") === "taken") {
      this.ensureKeys();
      this.records.readEpoch += 1;
    }
    if (incoming.kind === "data" && (incoming.epoch > 0 || this.accepts(incoming))) this.keep(incoming.data);
  }

  #finishedWithout(incoming: Incoming): boolean {
    return (
      incoming.kind === "data" &&
      incoming.epoch > 0 &&
      !this.tolerance.holds("application-data-before-finished")
    );
  }

  /** A weak twin that takes messages in any order waits until it has all. */
  get #mayAnswer(): boolean {
    return this.tolerance.isAttacker || this.order.completeBefore("ServerHelloDone");
  }

  #take(message: Message): void {
    const { msgType, body } = message;
    try {
      if (msgType === HandshakeType.hello_verify_request) this.#verifyRequest(body);
      else if (msgType !== HandshakeType.hello_request) this.#ordered(message);
    } catch (thrown) {
      if (!(thrown instanceof DtlsError)) throw thrown;
      // What cannot be read at all ends an attacker's handshake, too.
      throw Refusal.byThisEnd(thrown.alert ?? "internal_error", thrown.message);
    }
  }

  #ordered(message: Message): void {
    const name = messageName(message.msgType);
    const verdict = this.order.take(name);
    if (verdict === "refused") throw Refusal.byThisEnd("unexpected_message", `${name} has no place here`);
    if (message.msgType === HandshakeType.finished) this.#finished(message);
    this.transcribe(message);
    switch (message.msgType) {
      case HandshakeType.server_hello:
        this.incoming.unnumbered = this.tolerance.lacks("late-hello-verify-request")
          ? new Set([HandshakeType.hello_verify_request])
          : new Set();
        this.#hello(decode("ServerHello", ServerHello, message.body));
        break;
      case HandshakeType.certificate:
        this.#certificate(decode("Certificate", Certificate, message.body).certificateList);
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

  #certificate(chain: readonly Uint8Array[]): void {
    const { recorder, peer } = this.options;
    this.peerChain = chain.map((der) => Uint8Array.from(der));
    this.peerChain.forEach((der, index) => {
      recorder.certificate(`${peer}-${this.connection}-${index}.cer`, der);
    });
    const alert = this.options.verifyPeer?.(this.peerChain);
    if (alert !== undefined) throw Refusal.byThisEnd(alert, `refused the certificate: ${alert}`);
    this.#verifyKeyExchange();
  }

  #keyExchange(body: Uint8Array): void {
    if (this.suite === undefined) return;
    const exchange = readServerKeyExchange(this.suite.keyExchange, body);
    this.#serverKey = exchange.key;
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

  #finished({ body, epoch }: Message): void {
    const { verifyData } = decode("Finished", Finished, body);
    if (epoch === 0 && this.tolerance.holds("early-finished")) {
      throw Refusal.byThisEnd("unexpected_message", "Finished in the clear");
    }
    const right = Buffer.compare(this.verifyDataOf("server"), verifyData) === 0;
    // A handshake that a weak twin let be cut short has no transcript that both agree on.
    if (!right && this.tolerance.holds("finished-not-verified")) {
      throw Refusal.byThisEnd("decrypt_error", "Finished does not verify");
    }
  }

  // --- what it says ---

  protected override bodyOf(name: MessageName): Uint8Array {
    const certificateList = [...(this.options.credential?.chain ?? [])];
    const bodies: Partial<Record<MessageName, () => Uint8Array>> = {
      ClientHello: () => this.helloBody(),
      Certificate: () => encode(Certificate, { certificateList }),
      ClientKeyExchange: () => this.#keyExchangeBody(),
      CertificateVerify: () => this.certificateVerifyBody(),
      Finished: () => encode(Finished, { verifyData: this.verifyDataOf("client") }),
    };
    return bodies[name]?.() ?? new Uint8Array();
  }

  protected override said(msgType: number): void {
    if (msgType === HandshakeType.client_key_exchange) this.derive(this.#premaster());
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

  #keyExchangeBody(): Uint8Array {
    const pskIdentity = this.options.psk?.identity ?? new Uint8Array();
    const exchange = this.suite?.keyExchange;
    if (exchange === "PSK") return encode(ClientKeyExchangePsk, { pskIdentity });
    const point = this.#share().publicKey;
    if (exchange === "ECDHE_PSK") return encode(ClientKeyExchangeEcdhePsk, { pskIdentity, public: point });
    return encode(ClientKeyExchangeEcdhe, { public: point });
  }

  #premaster(): Uint8Array {
    const psk = this.options.psk?.key ?? new Uint8Array();
    if (this.suite?.keyExchange === "PSK") return pskPremaster(psk);
    // Without a ServerKeyExchange nobody has a secret.
    const shared =
      this.#serverKey === undefined ? new Uint8Array(32) : this.#share().agree(this.#serverKey.point);
    return this.suite?.keyExchange === "ECDHE_PSK" ? ecdhePskPremaster(shared, psk) : shared;
  }

  #share(): KeyShare {
    const group = this.#serverKey?.group;
    const known = Object.values(NamedGroup).find((candidate) => candidate === group);
    this.#ownShare ??= generateKeyShare(known ?? NamedGroup.secp256r1);
    return this.#ownShare;
  }
}

function defaultSuites({ psk, credential }: DtlsClientOptions): number[] {
  const wanted = (suite: Suite): boolean =>
    suite.keyExchange.includes("PSK") ? psk !== undefined : psk === undefined || credential !== undefined;
  return suites.filter(wanted).map(({ id }) => id);
}

function offeredExtensions(options: DtlsClientOptions): ClientExtensions {
  const { serverName, groups = defaultGroups, signatureSchemes = defaultSchemes, connectionId } = options;
  return {
    ...(serverName !== undefined && { serverName }),
    supportedGroups: [...groups],
    ecPointFormats: [0],
    signatureAlgorithms: [...signatureSchemes],
    ...(options.extendedMasterSecret !== false && { extendedMasterSecret: true as const }),
    ...(connectionId !== undefined && { connectionId }),
    // renegotiation_info is asked for by the SCSV (RFC 5746 §3.4).
  };
}
