import { generateKeyShare, type KeyShare } from "../../dtls/crypto/key-agreement.ts";
import { ecdhePskPremaster, pskPremaster } from "../../dtls/crypto/premaster.ts";
import { type Suite, suiteById, suites } from "../../dtls/crypto/suites.ts";
import { DtlsError } from "../../dtls/errors.ts";
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
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import {
  CipherSuite,
  ClientCertificateType,
  ContentType,
  ECCurveType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
} from "../../dtls/wire/registry.ts";
import type { Message } from "./assembly.ts";
import { drawConnectionId } from "./connection-id.ts";
import { cookieFor, hasCookie } from "./cookies.ts";
import { DtlsEnd } from "./end.ts";
import type { Incoming } from "./incoming.ts";
import { type MessageName, messageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import type { MessageOrder } from "./order.ts";
import type { DatagramPort } from "./port.ts";
import { Refusal } from "./refusal.ts";
import { authenticates, defaultSchemes, keyOfCertificate, schemeFor, signWith, verifies } from "./signing.ts";
import { messagesFromClient } from "./terms.ts";

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

/** RFC 8446 §4.2.1; a server of DTLS 1.2 ignores it. */
const supportedVersions = 43;

const ownGroups: readonly number[] = [NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1];

export class DtlsServer extends DtlsEnd {
  readonly options: DtlsServerOptions;
  clientHello: ClientHello | undefined;
  readonly order: MessageOrder;
  /** The identity that a client with a pre-shared key gave. */
  pskIdentity: Uint8Array | undefined;
  #clientExtensions: ClientExtensions = {};
  #ownShare: KeyShare | undefined;
  #saidKey = false;

  private constructor(port: DatagramPort, options: DtlsServerOptions) {
    super("server", port, options);
    this.options = options;
    this.incoming.unnumbered = new Set([HandshakeType.client_hello]);
    this.order = messagesFromClient(this.tolerance, { certificate: options.requestCertificate !== false });
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
    await this.until((incoming) => {
      if (incoming.kind !== "message") return false;
      this.#guarded(() => this.#hello(incoming.message, incoming.recordSequence));
      return this.order.has("ClientHello");
    });
  }

  /** Waits for the client's flight up to its Finished, or data that shows that it went on without. */
  async finish(): Promise<void> {
    await this.until((incoming) => {
      if (incoming.kind === "message") this.#guarded(() => this.#ordered(incoming.message));
      else this.#other(incoming);
      return this.order.has("Finished") || this.#finishedWithout(incoming);
    });
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

  #guarded(read: () => void): void {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof DtlsError)) throw thrown;
      throw Refusal.byThisEnd(thrown.alert ?? "internal_error", thrown.message);
    }
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

  // --- what it hears ---

  #hello(message: Message, recordSequence: number): void {
    if (message.msgType !== HandshakeType.client_hello) return;
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
    this.suite = chosen === undefined ? this.#chooseSuite(hello.cipherSuites) : suiteById(chosen);
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

  #chooseSuite(offered: readonly number[]): Suite | undefined {
    const { credential, cipherSuites, psk } = this.options;
    const proof = credential === undefined ? undefined : authenticates(credential.key);
    const fits = (suite: Suite): boolean => {
      if (cipherSuites !== undefined && !cipherSuites.includes(suite.id)) return false;
      if (!offered.includes(suite.id)) return false;
      if (suite.keyExchange === "PSK") return psk !== undefined || this.tolerance.lacks("psk-without-key");
      return suite.keyExchange === "ECDHE_PSK" ? psk !== undefined : suite.keyExchange === proof;
    };
    return suites.find(fits);
  }

  #ordered(message: Message): void {
    const name = messageName(message.msgType);
    const verdict = this.order.take(name);
    if (verdict === "refused") throw Refusal.byThisEnd("unexpected_message", `${name} has no place here`);
    if (message.msgType === HandshakeType.finished) this.#finished(message);
    if (message.msgType === HandshakeType.certificate_verify) this.#certificateVerify(message.body);
    this.transcribe(message);
    if (message.msgType === HandshakeType.certificate) this.#certificate(message.body);
    if (message.msgType === HandshakeType.client_key_exchange) {
      // Who did without the certificate has nothing to verify either.
      if (!this.order.has("Certificate") && this.tolerance.lacks("certificate-message-not-required")) {
        this.order.excuse("CertificateVerify");
      }
      this.derive(this.#premaster(message.body));
    }
  }

  #certificate(body: Uint8Array): void {
    const { recorder, peer, verifyPeer } = this.options;
    this.peerChain = decode("Certificate", Certificate, body).certificateList.map((der) =>
      Uint8Array.from(der),
    );
    this.peerChain.forEach((der, index) => {
      recorder.certificate(`${peer}-${this.connection}-${index}.cer`, der);
    });
    if (this.peerChain.length === 0) {
      if (this.tolerance.holds("client-certificate-not-required")) {
        throw Refusal.byThisEnd("handshake_failure", "no certificate");
      }
      this.order.excuse("CertificateVerify");
      return;
    }
    const alert = verifyPeer?.(this.peerChain);
    if (alert !== undefined) throw Refusal.byThisEnd(alert, `refused the certificate: ${alert}`);
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

  #finished({ body, epoch }: Message): void {
    const { verifyData } = decode("Finished", Finished, body);
    if (epoch === 0 && this.tolerance.holds("early-finished")) {
      throw Refusal.byThisEnd("unexpected_message", "Finished in the clear");
    }
    const right = Buffer.compare(this.verifyDataOf("client"), verifyData) === 0;
    if (!right && this.tolerance.holds("finished-not-verified")) {
      throw Refusal.byThisEnd("decrypt_error", "Finished does not verify");
    }
  }

  // --- what it says ---

  protected override said(msgType: number): void {
    if (msgType === HandshakeType.server_key_exchange) this.#saidKey = true;
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
      serverVersion: this.#wantsOldVersion ? ProtocolVersion.DTLS_1_0 : ProtocolVersion.DTLS_1_2,
      random: this.random,
      sessionId: new Uint8Array(),
      cipherSuite: this.suite?.id ?? 0,
      compressionMethod: 0,
      extensions: [...(writeServerExtensions(extensions) ?? []), ...(this.options.extensions ?? [])],
      ...this.options.hello,
      ...over,
    });
  }

  /** Whom a weak twin obeys: a hello of DTLS 1.0, or one that has nothing else in supported_versions. */
  get #wantsOldVersion(): boolean {
    const { clientVersion = 0, extensions = [] } = this.clientHello ?? {};
    if (!this.tolerance.lacks("legacy-version-accepted")) return false;
    const list = extensions?.find(({ extensionType }) => extensionType === supportedVersions);
    const only = Buffer.from(list?.extensionData ?? []).toString("hex") === "02feff";
    return clientVersion > ProtocolVersion.DTLS_1_2 || only;
  }

  /** ServerKeyExchange; `randoms`, the client's and the server's, in place of the right ones in what is signed. */
  keyExchangeBody({ randoms }: { readonly randoms?: readonly Uint8Array[] } = {}): Uint8Array {
    const pskIdentityHint = new Uint8Array();
    if (this.suite?.keyExchange === "PSK") return encode(ServerKeyExchangePsk, { pskIdentityHint });
    const share = this.#share();
    const params = { curveType: ECCurveType.named_curve, namedGroup: share.group, public: share.publicKey };
    if (this.suite?.keyExchange === "ECDHE_PSK") {
      return encode(ServerKeyExchangeEcdhePsk, { pskIdentityHint, params });
    }
    const key = this.options.credential?.key;
    if (key === undefined) {
      return encode(ServerKeyExchangeEcdhe, { params, algorithm: 0x0403, signature: new Uint8Array(71) });
    }
    const algorithm = schemeFor(key, this.#clientExtensions.signatureAlgorithms ?? defaultSchemes);
    const right = [this.peerRandom ?? new Uint8Array(32), this.random];
    const signed = Buffer.concat([...(randoms ?? right), encode(ServerEcdhParams, params)]);
    const signature = signWith(key, algorithm, signed);
    return encode(ServerKeyExchangeEcdhe, { params, algorithm, signature });
  }

  #premaster(body: Uint8Array): Uint8Array {
    const exchange = this.suite?.keyExchange;
    if (exchange === "PSK") {
      return pskPremaster(this.#pskOf(decode("ClientKeyExchange", ClientKeyExchangePsk, body).pskIdentity));
    }
    if (exchange === "ECDHE_PSK") {
      const { public: point, pskIdentity } = decode("ClientKeyExchange", ClientKeyExchangeEcdhePsk, body);
      return ecdhePskPremaster(this.#share().agree(point), this.#pskOf(pskIdentity));
    }
    const { public: point } = decode("ClientKeyExchange", ClientKeyExchangeEcdhe, body);
    // Without a ServerKeyExchange nobody has a secret.
    return this.#saidKey ? this.#share().agree(point) : new Uint8Array(32);
  }

  #pskOf(identity: Uint8Array): Uint8Array {
    this.pskIdentity = Uint8Array.from(identity);
    const key = this.options.psk?.(this.pskIdentity);
    if (key !== undefined) return key;
    if (this.tolerance.holds("psk-without-key")) {
      throw Refusal.byThisEnd("decrypt_error", "no key belongs to the identity");
    }
    return new Uint8Array();
  }

  #share(): KeyShare {
    const groups = this.options.groups ?? ownGroups;
    const offered = this.#clientExtensions.supportedGroups ?? [NamedGroup.secp256r1];
    const group = groups.find((candidate) => offered.includes(candidate)) ?? groups[0];
    const known = Object.values(NamedGroup).find((candidate) => candidate === group);
    this.#ownShare ??= generateKeyShare(known ?? NamedGroup.secp256r1);
    return this.#ownShare;
  }
}
