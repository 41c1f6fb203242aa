import { suiteById } from "../../dtls/crypto/suites.ts";
import { Certificate, CertificateRequest, CertificateVerify } from "../../dtls/wire/certificate.ts";
import {
  type ClientExtensions,
  readClientExtensions,
  type ServerExtensions,
  writeServerExtensions,
} from "../../dtls/wire/extensions.ts";
import { Finished } from "../../dtls/wire/finished.ts";
import { writeMessage } from "../../dtls/wire/handshake.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../../dtls/wire/hello.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import {
  CipherSuite,
  ClientCertificateType,
  ContentType,
  HandshakeType,
  ProtocolVersion,
} from "../../dtls/wire/registry.ts";
import type { Message } from "./assembly.ts";
import { drawConnectionId } from "./connection-id.ts";
import { cookieFor, hasCookie } from "./cookies.ts";
import { DtlsEnd } from "./end.ts";
import type { MessageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import type { MessageOrder } from "./order.ts";
import type { DatagramPort } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { ServerKeys } from "./server-keys.ts";
import { defaultSchemes, keyOfCertificate, verifies } from "./signing.ts";
import { chooseSuite, messagesFromClient, versionFor } from "./terms.ts";

export interface DtlsServerOptions extends DtlsOptions {
  /** Default true. A client that shows none is refused, unless that is tolerated. */
  readonly requestCertificate?: boolean | undefined;
  /** DER of distinguished names, for CertificateRequest. */
  readonly caNames?: readonly Uint8Array[] | undefined;
  /** Whether a cookie is asked for (RFC 6347 §4.2.1); default true. */
  readonly cookie?: boolean | undefined;
  /** The key that belongs to an identity; suites with pre-shared keys are taken only with this. */
  readonly psk?: ((identity: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Draws a connection id of its own; default false. `connectionId` says which instead. */
  readonly connectionIds?: boolean | undefined;
  /** Fields of the ServerHello in place of the right ones. */
  readonly hello?: Partial<ServerHello> | undefined;
}

/** ClientHellos that a weak twin remembers until it has no memory left. */
const memoryOfAWeakTwin = 500;

export class DtlsServer extends DtlsEnd {
  readonly options: DtlsServerOptions;
  clientHello: ClientHello | undefined;
  readonly order: MessageOrder;
  #clientExtensions: ClientExtensions = {};
  readonly #keys: ServerKeys;
  #kept = 0;

  private constructor(port: DatagramPort, options: DtlsServerOptions) {
    super("server", port, options);
    this.options = options;
    this.#keys = new ServerKeys(options, this.tolerance);
    this.incoming.unnumbered = new Set([HandshakeType.client_hello]);
    this.order = messagesFromClient(this.tolerance, { certificate: options.requestCertificate !== false });
  }

  /** The identity that a client with a pre-shared key gave. */
  get pskIdentity(): Uint8Array | undefined {
    return this.#keys.identity;
  }

  /** On the port of a peer, of a DatagramListener; nothing is read yet. */
  static accept(port: DatagramPort, options: DtlsServerOptions): DtlsServer {
    return new DtlsServer(port, options);
  }

  protected override async negotiate(): Promise<void> {
    await this.hello();
    this.flight(this.options.order ?? this.rightFlight());
    await this.finish();
    this.flight(["ChangeCipherSpec", "Finished"]);
    if (this.tolerance.lacks("session-lost-to-new-hello")) this.listenAgain();
  }

  /** Waits for a ClientHello, with a cookie where one is wanted, and settles the terms. Used by hand in `attempt`. */
  async hello(): Promise<void> {
    await this.hearUntil(() => this.order.has("ClientHello"));
  }

  /** Waits for the client's flight up to its Finished, or data that shows that it went on without. */
  async finish(): Promise<void> {
    await this.hearUntil(() => this.order.has("Finished"));
  }

  /** Hears the ClientHellos that come after the one that was answered. */
  listenAgain(): void {
    this.incoming.unnumbered = new Set([HandshakeType.client_hello]);
  }

  /** The messages that a right server answers a ClientHello with. */
  rightFlight(): MessageName[] {
    const exchange = this.suite?.keyExchange;
    if (exchange === "PSK") return ["ServerHello", "ServerHelloDone"];
    if (exchange === "ECDHE_PSK") return ["ServerHello", "ServerKeyExchange", "ServerHelloDone"];
    const request: MessageName[] = this.options.requestCertificate === false ? [] : ["CertificateRequest"];
    return ["ServerHello", "Certificate", "ServerKeyExchange", ...request, "ServerHelloDone"];
  }

  // --- what it hears ---

  protected override hear(message: Message, recordSequence: number): void {
    if (this.order.has("ClientHello")) this.#ordered(message);
    else if (message.msgType === HandshakeType.client_hello) this.#hello(message, recordSequence);
  }

  #hello(message: Message, recordSequence: number): void {
    const hello = decode("ClientHello", ClientHello, message.body);
    const { cookie = true } = this.options;
    if (cookie && !hasCookie(hello, this.port.peer, this.tolerance)) {
      this.#askForCookie(hello, message.messageSeq, recordSequence);
      return;
    }
    this.incoming.unnumbered = new Set();
    this.outgoing.nextSeq = message.messageSeq;
    this.records.continueAt(recordSequence);
    this.order.take("ClientHello");
    this.transcript = [];
    this.transcribe(message);
    this.#settle(hello);
  }

  #askForCookie(hello: ClientHello, messageSeq: number, recordSequence: number): void {
    if (this.tolerance.lacks("state-before-cookie")) {
      this.#kept += 1;
      if (this.#kept > memoryOfAWeakTwin) this.port.exhaust();
    }
    const cookie = cookieFor(hello, this.port.peer, this.tolerance);
    const times = this.tolerance.lacks("verify-request-amplifies") ? 10 : 1;
    for (let time = 0; time < times; time += 1) this.helloVerifyRequest(cookie, messageSeq, recordSequence);
  }

  /** Asks for this cookie; nothing of it is remembered. */
  helloVerifyRequest(cookie: Uint8Array, messageSeq = 0, recordSequence?: number): void {
    // RFC 6347 §4.2.1: server_version is that of DTLS 1.0 whatever is negotiated later.
    const body = encode(HelloVerifyRequest, { serverVersion: ProtocolVersion.DTLS_1_0, cookie });
    const fragment = writeMessage(HandshakeType.hello_verify_request, messageSeq, body);
    this.record(
      ContentType.handshake,
      fragment,
      { epoch: 0, sequence: recordSequence },
      { what: "HelloVerifyRequest", attack: this.outgoing.isMarked("HelloVerifyRequest") },
    );
  }

  #settle(hello: ClientHello): void {
    this.clientHello = hello;
    this.peerRandom = Uint8Array.from(hello.random);
    this.#clientExtensions = readClientExtensions(hello.extensions);
    if (hello.clientVersion > ProtocolVersion.DTLS_1_2 && this.tolerance.holds("legacy-version-accepted")) {
      throw Refusal.byThisEnd("protocol_version", `version ${hello.clientVersion.toString(16)}`);
    }
    const chosen = this.options.hello?.cipherSuite;
    this.suite =
      chosen === undefined
        ? chooseSuite(hello.cipherSuites, this.options, this.tolerance)
        : suiteById(chosen);
    if (this.suite === undefined) throw Refusal.byThisEnd("handshake_failure", "no suite fits both");
    if (this.suite.keyExchange.includes("PSK")) this.order.excuse("Certificate", "CertificateVerify");
    const { extendedMasterSecret = true, connectionId = this.#drawConnectionId() } = this.options;
    this.extendedMasterSecret = extendedMasterSecret && this.#clientExtensions.extendedMasterSecret === true;
    if (!this.extendedMasterSecret && this.tolerance.holds("extended-master-secret-not-required")) {
      throw Refusal.byThisEnd("handshake_failure", "no extended master secret");
    }
    const theirs = this.#clientExtensions.connectionId;
    if (theirs === undefined || connectionId === undefined) return;
    this.sendConnectionId = Uint8Array.from(theirs);
    this.receiveConnectionId = connectionId;
    if (connectionId.length > 0) this.port.register(connectionId);
  }

  #drawConnectionId(): Uint8Array | undefined {
    if (this.options.connectionIds !== true) return undefined;
    return drawConnectionId(this.tolerance);
  }

  #ordered(message: Message): void {
    this.inOrder(message);
    if (message.msgType === HandshakeType.finished) {
      const { verifyData } = decode("Finished", Finished, message.body);
      this.checkFinished("client", verifyData, message.epoch);
    }
    if (message.msgType === HandshakeType.certificate_verify) this.#certificateVerify(message.body);
    this.transcribe(message);
    if (message.msgType === HandshakeType.certificate) this.#certificate(message.body);
    if (message.msgType === HandshakeType.client_key_exchange) {
      // Who did without the certificate has nothing to verify either.
      if (!this.order.has("Certificate") && this.tolerance.lacks("certificate-message-not-required")) {
        this.order.excuse("CertificateVerify");
      }
      this.derive(this.#keys.premaster(this.suite, message.body));
    }
  }

  #certificate(body: Uint8Array): void {
    this.showChain(decode("Certificate", Certificate, body).certificateList);
    if (this.peerChain.length > 0) return;
    if (this.tolerance.holds("client-certificate-not-required")) {
      throw Refusal.byThisEnd("handshake_failure", "no certificate");
    }
    this.order.excuse("CertificateVerify");
  }

  #certificateVerify(body: Uint8Array): void {
    const { algorithm, signature } = decode("CertificateVerify", CertificateVerify, body);
    const offered = this.options.signatureSchemes ?? defaultSchemes;
    if (!offered.includes(algorithm) && this.tolerance.holds("unoffered-signature-scheme")) {
      throw Refusal.byThisEnd("illegal_parameter", `signature scheme ${algorithm} was not offered`);
    }
    if (!this.tolerance.holds("certificate-verify-not-verified")) return;
    const [leaf] = this.peerChain;
    const key = leaf && keyOfCertificate(leaf);
    if (key === undefined) throw Refusal.byThisEnd("bad_certificate", "the certificate's key cannot be read");
    if (!verifies(key, algorithm, Buffer.concat(this.transcript), Uint8Array.from(signature))) {
      throw Refusal.byThisEnd("decrypt_error", "CertificateVerify does not verify");
    }
  }

  // --- what it says ---

  protected override said(msgType: number): void {
    if (msgType === HandshakeType.server_key_exchange) this.#keys.isShown = true;
  }

  protected override bodyOf(name: MessageName): Uint8Array {
    const { credential, signatureSchemes = defaultSchemes, caNames = [] } = this.options;
    const bodies: Partial<Record<MessageName, () => Uint8Array>> = {
      ServerHello: () => this.helloBody(),
      Certificate: () => encode(Certificate, { certificateList: [...(credential?.chain ?? [])] }),
      ServerKeyExchange: () => this.keyExchangeBody(),
      CertificateRequest: () =>
        encode(CertificateRequest, {
          certificateTypes: [ClientCertificateType.ecdsa_sign, ClientCertificateType.rsa_sign],
          supportedSignatureAlgorithms: [...signatureSchemes],
          certificateAuthorities: [...caNames],
        }),
      Finished: () => encode(Finished, { verifyData: this.verifyDataOf("server") }),
    };
    return bodies[name]?.() ?? new Uint8Array();
  }

  /** The ServerHello of this server. */
  helloBody(over: Partial<ServerHello> = {}): Uint8Array {
    const asked = this.clientHello?.cipherSuites.includes(CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
    const renegotiation = asked === true || this.#clientExtensions.renegotiationInfo !== undefined;
    const extensions: ServerExtensions = {
      ...(this.#clientExtensions.ecPointFormats !== undefined && { ecPointFormats: [0] }),
      ...(this.extendedMasterSecret && { extendedMasterSecret: true as const }),
      ...(this.receiveConnectionId !== undefined && { connectionId: this.receiveConnectionId }),
      ...(renegotiation && { renegotiationInfo: new Uint8Array() }),
    };
    return encode(ServerHello, {
      serverVersion: versionFor(this.clientHello, this.tolerance),
      random: this.random,
      sessionId: new Uint8Array(),
      cipherSuite: this.suite?.id ?? 0,
      compressionMethod: 0,
      extensions: [...(writeServerExtensions(extensions) ?? []), ...(this.options.extensions ?? [])],
      ...this.options.hello,
      ...over,
    });
  }

  /** ServerKeyExchange; `randoms`, the client's and the server's, in place of the right ones in what is signed. */
  keyExchangeBody({ randoms }: { readonly randoms?: readonly Uint8Array[] } = {}): Uint8Array {
    return this.#keys.exchange(
      this.suite,
      this.#clientExtensions,
      randoms ?? [this.peerRandom ?? new Uint8Array(32), this.random],
    );
  }
}
