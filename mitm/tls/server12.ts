import type { KeyObject } from "node:crypto";
import { randomBytes } from "../../dtls/crypto/random.ts";
import type { Credential } from "../endpoint.ts";
import { keyShareOf } from "./client-offer.ts";
import { ClientProof12 } from "./client-proof12.ts";
import { ExtensionReader, extension } from "./extensions.ts";
import { finished12, receiveFinish12, sendFinish12 } from "./finish12.ts";
import { Keys12, type Terms12 } from "./keys12.ts";
import {
  certificate12,
  certificateRequest12,
  decode,
  encode,
  type MessageBody,
  NewSessionTicket12,
  type RawExtension,
  ServerEcdhParams,
  ServerHello,
  ServerKeyExchangeEcdhe,
  serverHello,
  serverHelloDone,
} from "./messages.ts";
import { downgradeSentinel, ExtensionType, HandshakeType, ProtocolVersion } from "./numbers.ts";
import { acceptTicket, resumePeer, seconds } from "./resumption.ts";
import type { ClientRequest } from "./server-choice.ts";
import type { ServerOptions } from "./server-options.ts";

import {
  chooseScheme,
  defaultSignatureSchemes,
  type ProofOptions,
  schemeAllowed,
  schemeFitsKey,
  signWith,
} from "./signatures.ts";
import { suite12, suites12, versionsOf } from "./suites.ts";
import type { TicketContents } from "./tickets.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The server's side of a TLS 1.2 handshake, from the ClientHello on (RFC 5246 §7.3). */
export class Server12 {
  terms: Terms12;
  resumed = false;
  applicationProtocol: string | undefined;
  keys: Keys12 | undefined;
  readonly #end: TlsEnd;
  readonly #options: ServerOptions;
  readonly #request: ClientRequest;
  readonly #credential: Credential | undefined;
  readonly #renegotiates: boolean;
  #share = keyShareOf(23);
  readonly #earlierChain: readonly Uint8Array[];

  constructor(end: TlsEnd, options: ServerOptions, request: ClientRequest, renegotiates: boolean) {
    this.#end = end;
    this.#options = options;
    this.#request = request;
    this.#credential = options.credential;
    this.#renegotiates = renegotiates;
    this.#earlierChain = end.peerChain;
    const id = request.suite12(options.credential?.key);
    const suite = id === "weak" ? suites12[0] : suite12(id);
    if (suite === undefined) end.refuse("handshake_failure", "no cipher suite that both speak");
    const extendedMasterSecret = request.extensions.has(ExtensionType.extended_master_secret);
    this.terms = {
      suite,
      clientRandom: Uint8Array.from(request.hello.random),
      serverRandom: this.#random(),
      extendedMasterSecret,
    };
    end.require(
      "extended-master-secret-not-required",
      extendedMasterSecret,
      "handshake_failure",
      "no extended_master_secret",
    );
    this.#checkRenegotiationInfo();
    if (id === "weak") this.#goAlongWithWeakSuite();
  }

  /** ServerHello to ServerHelloDone, or to Finished in a session that is resumed. */
  ownFlight(): void {
    const end: TlsEnd = this.#end;
    this.applicationProtocol = this.#request.applicationProtocol();
    const contents = this.#session();
    this.resumed = contents !== undefined;
    this.#emitServerHello(contents !== undefined);
    if (contents !== undefined) {
      resumePeer(end, this.#options, contents);
      this.keys = new Keys12(end, this.terms, Uint8Array.from(contents.secret));
      this.#emitTicket(this.keys);
      this.#sendFinish(this.keys);
      return;
    }
    if (this.#credential !== undefined) end.emit(this.certificate());
    end.emit(this.serverKeyExchange());
    if (this.#options.requestCertificate !== false) end.emit(this.certificateRequest());
    end.emit(serverHelloDone());
  }

  /** The client's flight, and the server's last one. */
  async clientFlight(): Promise<void> {
    if (this.resumed && this.keys !== undefined) {
      await this.#receiveFinish(this.keys);
      return;
    }
    const proof = new ClientProof12(this.#end, this.#options, this.terms, this.#share);
    this.keys = await proof.receive();
    const { keys } = this;
    await this.#receiveFinish(keys, proof);
    this.#checkIdentity();
    this.#emitTicket(keys);
    this.#sendFinish(keys);
  }

  certificate(chain: readonly Uint8Array[] = this.#credential?.chain ?? []): MessageBody {
    return certificate12(chain);
  }

  /** ServerKeyExchange with the own share, or another. @throws Error where no key is at hand */
  serverKeyExchange(
    options: ProofOptions & { readonly group?: number; readonly share?: Uint8Array } = this.#options.proof ??
      {},
  ): MessageBody {
    const group = options.group ?? this.#group();
    if (this.#share?.group !== group) this.#share = keyShareOf(group);
    const params = {
      curveType: 3 as const,
      namedGroup: group,
      public: options.share ?? this.#share?.publicKey ?? new Uint8Array(1),
    };
    const key = options.key ?? this.#credential?.key;
    if (key === undefined) throw new RangeError("a ServerKeyExchange needs a key");
    const algorithm = options.scheme ?? this.#scheme(key);
    const { clientRandom, serverRandom } = this.terms;
    const content =
      options.transcript ?? Buffer.concat([clientRandom, serverRandom, encode(ServerEcdhParams, params)]);
    const signature = signWith(algorithm, key, content);
    return {
      msgType: HandshakeType.server_key_exchange,
      body: encode(ServerKeyExchangeEcdhe, { params, algorithm, signature }),
    };
  }

  certificateRequest(): MessageBody {
    return certificateRequest12({
      // RFC 5246 §7.4.4, RFC 8422 §5.5: rsa_sign, ecdsa_sign
      certificateTypes: [1, 64],
      supportedSignatureAlgorithms: this.#options.signatureSchemes ?? defaultSignatureSchemes,
      certificateAuthorities: this.#options.caNames ?? [],
    });
  }

  finished(): MessageBody {
    if (this.keys === undefined) throw new RangeError("there are no secrets yet");
    return finished12(this.keys, "server");
  }

  #group(): number {
    const group = this.#request.group();
    if (group !== undefined) return group;
    this.#end.require("weak-groups-accepted", false, "handshake_failure", "no group that both speak");
    return this.#request.groups[0] ?? 23;
  }

  #scheme(key: KeyObject): number {
    const end = this.#end;
    const offered = this.#request.signatureSchemes;
    const scheme = chooseScheme("TLS 1.2", key, offered);
    if (offered.includes(scheme)) return scheme;
    const sha1 = offered.find((one) => !schemeAllowed("TLS 1.2", one) && schemeFitsKey("TLS 1.2", one, key));
    if (sha1 === undefined) return scheme;
    // RFC 9155 §4
    end.require(
      "sha1-signatures-made",
      false,
      "handshake_failure",
      "no signature scheme with SHA-256 or better",
    );
    return sha1;
  }

  #random(): Uint8Array {
    const random = randomBytes(32);
    // RFC 8446 §4.1.3: a server that speaks 1.3 and was not asked to says so.
    if (versionsOf(this.#options).includes("TLS 1.3")) random.set(downgradeSentinel.toTls12, 24);
    return random;
  }

  #checkRenegotiationInfo(): void {
    const end: TlsEnd = this.#end;
    // RFC 5746 §3.6 and §3.7
    const expected = this.#renegotiates ? Buffer.from(end.verifyData?.client ?? []) : Buffer.alloc(0);
    const info = this.#request.extensions.renegotiationInfo();
    const scsv = !this.#renegotiates && this.#request.hello.cipherSuites.includes(0x00ff);
    const fits = info === undefined ? scsv || !this.#renegotiates : expected.equals(info);
    end.require(
      "renegotiation-info-not-checked",
      fits,
      "handshake_failure",
      "renegotiation_info does not fit",
    );
  }

  /** As a server that has such suites would: its hello says it. What comes then this engine cannot speak. */
  #goAlongWithWeakSuite(): void {
    const end: TlsEnd = this.#end;
    const [first = 0] = this.#request.hello.cipherSuites;
    end.emit(
      serverHello({
        serverVersion: ProtocolVersion.TLS_1_2,
        random: this.terms.serverRandom,
        sessionId: new Uint8Array(),
        cipherSuite: first,
        compressionMethod: 0,
      }),
    );
    end.emit(this.certificate());
    end.emit(serverHelloDone());
    end.refuse("internal_error", "a suite that this engine cannot speak");
  }

  /** A hook may have changed the hello: what went out is what this end goes on with. */
  #emitServerHello(resumed: boolean): void {
    const { extensions } = this.#request;
    const list: RawExtension[] = [];
    const info = this.#renegotiates ? this.#end.verifyData : undefined;
    const renegotiated = info === undefined ? Buffer.alloc(0) : Buffer.concat([info.client, info.server]);
    if (extensions.has(ExtensionType.renegotiation_info) || this.#request.hello.cipherSuites.includes(0xff)) {
      list.push(extension.renegotiationInfo(renegotiated));
    }
    if (this.terms.extendedMasterSecret) list.push(extension.extendedMasterSecret());
    if (extensions.has(ExtensionType.ec_point_formats)) list.push(extension.ecPointFormats());
    if (this.#options.tickets !== undefined && extensions.has(ExtensionType.session_ticket)) {
      list.push(extension.sessionTicket());
    }
    if (this.applicationProtocol !== undefined) {
      list.push(extension.applicationProtocols([this.applicationProtocol]));
    }
    list.push(...(this.#options.extensions ?? []));
    const fields = {
      serverVersion: ProtocolVersion.TLS_1_2,
      random: this.terms.serverRandom,
      sessionId: resumed ? this.#request.hello.sessionId : new Uint8Array(),
      cipherSuite: this.terms.suite.id,
      compressionMethod: this.#compressionMethod(),
    };
    const message = serverHello(list.length === 0 ? fields : { ...fields, extensions: list });
    this.#learn(this.#end.emit(message));
  }

  #compressionMethod(): number {
    const wanted = this.#request.hello.compressionMethods.find((method) => method !== 0);
    return this.#end.holds("compression-accepted") ? 0 : (wanted ?? 0);
  }

  #learn(sent: Uint8Array | undefined): void {
    if (sent === undefined) return;
    try {
      const hello = decode("ServerHello", ServerHello, sent);
      this.terms = {
        suite: suite12(hello.cipherSuite) ?? this.terms.suite,
        clientRandom: this.terms.clientRandom,
        serverRandom: Uint8Array.from(hello.random),
        extendedMasterSecret: new ExtensionReader(hello.extensions).has(ExtensionType.extended_master_secret),
      };
    } catch {
      // A hello that was broken on purpose.
    }
  }

  #session(): TicketContents | undefined {
    const end: TlsEnd = this.#end;
    const request = this.#request;
    const ticket = request.extensions.data(ExtensionType.session_ticket);
    // RFC 5077 §3.4: an echo of the session id is how the client is told.
    if (this.#renegotiates || request.hello.sessionId.length === 0) return undefined;
    const contents = acceptTicket(end, this.#options, request, ticket, ProtocolVersion.TLS_1_2);
    if (contents === undefined) return undefined;
    const suite = suite12(contents.cipherSuite);
    if (suite === undefined) return undefined;
    const offered = request.hello.cipherSuites.includes(suite.id);
    if (!offered && end.holds("resumption-changes-suite")) return undefined;
    const now = this.terms.extendedMasterSecret;
    if (now !== (contents.extendedMasterSecret === 1)) {
      const rule = "resumption-changes-extended-master-secret";
      // RFC 7627 §5.3: a session with it must abort without it; one without it is a full handshake.
      if (!now) end.require(rule, false, "handshake_failure", "the session had extended_master_secret");
      else if (end.holds(rule)) return undefined;
    }
    this.terms = { ...this.terms, suite };
    return contents;
  }

  #emitTicket(keys: Keys12): void {
    const { tickets } = this.#options;
    if (tickets === undefined || !this.#request.extensions.has(ExtensionType.session_ticket)) return;
    const lifetime = tickets.lifetime ?? 7200;
    const ticket = tickets.key.seal({
      version: ProtocolVersion.TLS_1_2,
      cipherSuite: this.terms.suite.id,
      extendedMasterSecret: this.terms.extendedMasterSecret ? 1 : 0,
      secret: keys.master,
      ageAdd: 0,
      issuedAt: seconds(tickets.now),
      lifetime,
      domain: Buffer.from(tickets.domain ?? ""),
      serverName: Buffer.from(this.#request.serverName ?? "", "latin1"),
      chain: this.#end.peerChain,
    });
    const body = encode(NewSessionTicket12, { ticketLifetimeHint: lifetime, ticket });
    this.#end.emit({ msgType: HandshakeType.new_session_ticket, body });
  }

  async #receiveFinish(keys: Keys12, proof?: ClientProof12): Promise<void> {
    const end: TlsEnd = this.#end;
    const optional = end.peerChain.length > 0 && !end.holds("certificate-verify-not-required");
    const client = await receiveFinish12(
      end,
      keys,
      optional && proof !== undefined
        ? { msgType: HandshakeType.certificate_verify, take: (message) => proof.checkProof(message) }
        : undefined,
    );
    end.verifyData = { client, server: end.verifyData?.server ?? new Uint8Array() };
  }

  #sendFinish(keys: Keys12): void {
    const server = sendFinish12(this.#end, keys);
    this.#end.verifyData = { client: this.#end.verifyData?.client ?? new Uint8Array(), server };
  }

  /** A renegotiation must not make somebody else of a client. */
  #checkIdentity(): void {
    if (!this.#renegotiates || this.#earlierChain.length === 0) return;
    const [before = new Uint8Array()] = this.#earlierChain;
    const [now = new Uint8Array()] = this.#end.peerChain;
    const same = Buffer.compare(before, now) === 0;
    const rule = "renegotiation-changes-certificate";
    this.#end.require(rule, same, "access_denied", "another certificate than before");
  }
}
