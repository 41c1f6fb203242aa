import type { Credential } from "../endpoint.ts";
import { type ClientOffer, keyShareOf } from "./client-offer.ts";
import { checkExtensions, checkProtocol } from "./client13.ts";
import { ExtensionReader } from "./extensions.ts";
import { finished12, receiveFinish12, sendFinish12 } from "./finish12.ts";
import { Keys12, type Terms12 } from "./keys12.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import {
  CertificateRequest12,
  ClientKeyExchangeEcdhe,
  certificate12,
  certificateVerify,
  chainOf,
  decode,
  encode,
  type MessageBody,
  NewSessionTicket12,
  type ServerHello,
  ServerKeyExchangeEcdhe,
} from "./messages.ts";
import { downgradeSentinel, ExtensionType, HandshakeType, ProtocolVersion } from "./numbers.ts";
import { agreed, checkSignature12 } from "./proofs.ts";
import type { TlsSession } from "./session.ts";
import { chooseScheme, type ProofOptions, signWith } from "./signatures.ts";
import { suite12 } from "./suites.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The client's side of a TLS 1.2 handshake, from its ServerHello on (RFC 5246 §7.3). */
export class Client12 {
  readonly terms: Terms12;
  readonly resumed: boolean;
  readonly applicationProtocol: string | undefined;
  /** The server's CertificateRequest, if one came. */
  request: { readonly schemes: readonly number[] } | undefined;
  keys: Keys12 | undefined;
  session: TlsSession | undefined;
  /** The group that the server chose. */
  group: number | undefined;
  readonly #end: TlsEnd;
  readonly #offer: ClientOffer;
  readonly #credential: Credential | undefined;
  #premaster: Uint8Array | undefined;
  #share: Uint8Array = new Uint8Array(32);

  constructor(
    end: TlsEnd,
    offer: ClientOffer,
    hello: ServerHello,
    options: { readonly credential: Credential | undefined; readonly renegotiates: boolean },
  ) {
    this.#end = end;
    this.#offer = offer;
    this.#credential = options.credential;
    const suite = suite12(hello.cipherSuite);
    if (suite === undefined) end.refuse("illegal_parameter", "the server chose a suite that is not spoken");
    const extensions = new ExtensionReader(hello.extensions);
    this.terms = {
      suite,
      clientRandom: offer.random,
      serverRandom: Uint8Array.from(hello.random),
      extendedMasterSecret: extensions.has(ExtensionType.extended_master_secret),
    };
    this.applicationProtocol = extensions.applicationProtocols()?.[0];
    const { session } = offer;
    this.resumed =
      session?.version === "TLS 1.2" &&
      hello.sessionId.length > 0 &&
      Buffer.compare(hello.sessionId, offer.sessionId) === 0;
    this.#checkHello(hello, extensions, options.renegotiates);
    if (this.resumed && session !== undefined) {
      end.peerChain = session.peerChain;
      this.keys = new Keys12(end, this.terms, session.secret);
    }
  }

  /** To ServerHelloDone; of a resumed session to Finished. */
  async serverFlight(): Promise<void> {
    const end: TlsEnd = this.#end;
    if (this.resumed && this.keys !== undefined) {
      await this.#serverFinish(this.keys);
      return;
    }
    const certificate: number[] = [HandshakeType.certificate];
    const exchange: number[] = [HandshakeType.server_key_exchange];
    const rest: number[] = [HandshakeType.certificate_request, HandshakeType.server_hello_done];
    const noCertificate = !end.holds("certificate-message-not-required");
    const noExchange = !end.holds("server-key-exchange-not-required");
    let wanted = [...certificate, ...(noCertificate ? [...exchange, ...(noExchange ? rest : [])] : [])];
    for (;;) {
      const message = await end.expect(wanted);
      switch (message.msgType) {
        case HandshakeType.certificate:
          this.#serverCertificate(message);
          wanted = [HandshakeType.certificate_status, ...exchange, ...(noExchange ? rest : [])];
          break;
        case HandshakeType.certificate_status:
          wanted = [...exchange, ...(noExchange ? rest : [])];
          break;
        case HandshakeType.server_key_exchange:
          this.#serverKeyExchange(message);
          wanted = rest;
          break;
        case HandshakeType.certificate_request: {
          const request = decode(message.name, CertificateRequest12, message.body);
          this.request = { schemes: request.supportedSignatureAlgorithms };
          wanted = [HandshakeType.server_hello_done];
          break;
        }
        default:
          end.taken(message);
          return;
      }
      end.taken(message);
    }
  }

  /** Certificate and CertificateVerify if they were asked for, ClientKeyExchange, ChangeCipherSpec, Finished. */
  ownFlight(): void {
    const end: TlsEnd = this.#end;
    if (!this.resumed) {
      if (this.request !== undefined) end.emit(this.certificate());
      end.emit(this.clientKeyExchange());
      this.derive();
      if (this.request !== undefined && this.#credential !== undefined) end.emit(this.certificateVerify());
    }
    this.sendFinish();
  }

  /** ChangeCipherSpec and Finished. */
  sendFinish(): void {
    const client = sendFinish12(this.#end, this.keys ?? this.derive());
    this.#end.verifyData = { client, server: this.#end.verifyData?.server ?? new Uint8Array() };
  }

  /** The server's last flight. */
  async finish(): Promise<void> {
    if (!this.resumed) await this.#serverFinish(this.keys ?? this.derive());
  }

  /** The secrets, with the transcript as it is now as what the session hash covers. */
  derive(): Keys12 {
    const premaster = this.#offer.options.sharedSecret ?? this.#premaster ?? new Uint8Array(32);
    this.keys = Keys12.derive(this.#end, this.terms, premaster);
    return this.keys;
  }

  certificate(chain: readonly Uint8Array[] = this.#credential?.chain ?? []): MessageBody {
    return certificate12(chain);
  }

  clientKeyExchange(share: Uint8Array = this.#share): MessageBody {
    return {
      msgType: HandshakeType.client_key_exchange,
      body: encode(ClientKeyExchangeEcdhe, { public: share }),
    };
  }

  /** CertificateVerify over the transcript as it is now. @throws Error where no key is at hand */
  certificateVerify(options: ProofOptions = this.#offer.options.proof ?? {}): MessageBody {
    const key = options.key ?? this.#credential?.key;
    if (key === undefined) throw new RangeError("a CertificateVerify needs a key");
    const scheme = options.scheme ?? chooseScheme("TLS 1.2", key, this.request?.schemes ?? []);
    return certificateVerify(
      scheme,
      signWith(scheme, key, options.transcript ?? this.#end.transcript.bytes()),
    );
  }

  finished(): MessageBody {
    return finished12(this.keys ?? this.derive(), "client");
  }

  async #serverFinish(keys: Keys12): Promise<void> {
    const end: TlsEnd = this.#end;
    const server = await receiveFinish12(end, keys, {
      msgType: HandshakeType.new_session_ticket,
      take: ({ body }) => {
        this.session = this.#newSession(body, keys);
      },
    });
    end.verifyData = { client: end.verifyData?.client ?? new Uint8Array(), server };
  }

  #checkHello(hello: ServerHello, extensions: ExtensionReader, renegotiates: boolean): void {
    const end: TlsEnd = this.#end;
    const offer = this.#offer;
    const offered = offer.cipherSuites.includes(hello.cipherSuite);
    end.require("unoffered-cipher-suite", offered, "illegal_parameter", "a suite that was not offered");
    end.require(
      "compression-accepted",
      hello.compressionMethod === 0,
      "illegal_parameter",
      "a compression method",
    );
    checkExtensions(end, extensions, (type) => offer.extensions.has(type));
    checkProtocol(end, this.applicationProtocol, offer.options.alpn);
    const { extendedMasterSecret } = this.terms;
    end.require(
      "extended-master-secret-not-required",
      extendedMasterSecret,
      "handshake_failure",
      "no extended_master_secret",
    );
    if (this.resumed) this.#checkResumption(hello);
    // RFC 8446 §4.1.3
    if (offer.offers(ProtocolVersion.TLS_1_3)) {
      const end8 = Buffer.from(hello.random.subarray(24));
      const downgraded = end8.equals(downgradeSentinel.toTls12) || end8.equals(downgradeSentinel.toTls11);
      end.require("downgrade-sentinel-ignored", !downgraded, "illegal_parameter", "the sign of a downgrade");
    }
    this.#checkRenegotiationInfo(extensions, renegotiates);
  }

  #checkResumption(hello: ServerHello): void {
    const end: TlsEnd = this.#end;
    const { session } = this.#offer;
    // RFC 7627 §5.3
    const same = session?.extendedMasterSecret === this.terms.extendedMasterSecret;
    const rule = "resumption-changes-extended-master-secret";
    end.require(rule, same, "handshake_failure", "extended_master_secret changed with the resumption");
    const sameSuite = session?.cipherSuite === hello.cipherSuite;
    end.require(
      "resumption-changes-suite",
      sameSuite,
      "illegal_parameter",
      "another suite than the session's",
    );
  }

  #checkRenegotiationInfo(extensions: ExtensionReader, renegotiates: boolean): void {
    const end: TlsEnd = this.#end;
    const { verifyData } = end;
    // RFC 5746 §3.4 and §3.5
    const expected =
      renegotiates && verifyData !== undefined
        ? Buffer.concat([verifyData.client, verifyData.server])
        : Buffer.alloc(0);
    const info = extensions.renegotiationInfo();
    const fits = info !== undefined && expected.equals(info);
    end.require(
      "renegotiation-info-not-checked",
      fits,
      "handshake_failure",
      "renegotiation_info does not fit",
    );
  }

  #serverCertificate(message: HandshakeMessage): void {
    const chain = chainOf("TLS 1.2", message.body);
    if (chain.length === 0) this.#end.refuse("decode_error", "an empty Certificate of the server");
    this.#end.judgePeer(chain);
  }

  #serverKeyExchange(message: HandshakeMessage): void {
    const end: TlsEnd = this.#end;
    const { params, algorithm, signature } = decode(message.name, ServerKeyExchangeEcdhe, message.body);
    const { clientRandom, serverRandom } = this.terms;
    const signedParams = message.body.subarray(0, 4 + params.public.length);
    const content = Buffer.concat([clientRandom, serverRandom, signedParams]);
    checkSignature12(
      end,
      "server-key-exchange-not-verified",
      { algorithm, signature, content },
      this.#offer.signatureSchemes,
    );
    const offered = this.#offer.groups.includes(params.namedGroup);
    end.require("unoffered-group", offered, "illegal_parameter", "a group that was not offered");
    this.group = params.namedGroup;
    const share = keyShareOf(params.namedGroup);
    if (share === undefined) end.refuse("illegal_parameter", "a group that is not spoken");
    this.#share = share.publicKey;
    this.#premaster = agreed(end, share, params.public, undefined);
  }

  #newSession(body: Uint8Array, keys: Keys12): TlsSession {
    const { ticket, ticketLifetimeHint } = decode("NewSessionTicket", NewSessionTicket12, body);
    const { serverName } = this.#offer.options;
    return {
      version: "TLS 1.2",
      cipherSuite: this.terms.suite.id,
      secret: keys.master,
      ticket: Uint8Array.from(ticket),
      extendedMasterSecret: this.terms.extendedMasterSecret,
      ageAdd: 0,
      lifetime: ticketLifetimeHint,
      receivedAt: Date.now(),
      maxEarlyData: 0,
      serverName: typeof serverName === "string" ? serverName : undefined,
      peerChain: this.#end.peerChain,
    };
  }
}
