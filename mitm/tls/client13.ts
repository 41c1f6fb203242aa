import type { Credential } from "../endpoint.ts";
import { ocspResponseOf } from "./certificate-status.ts";
import type { ClientOffer } from "./client-offer.ts";
import { ExtensionReader } from "./extensions.ts";
import { finishedData, KeySchedule, type SecretPair, trafficKeys } from "./key-schedule.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import {
  CertificateRequest13,
  certificate13,
  certificateVerify,
  chainOf,
  decode,
  EncryptedExtensions,
  finished,
  type MessageBody,
  NewSessionTicket13,
  type ServerHello,
} from "./messages.ts";
import { ExtensionType, HandshakeType } from "./numbers.ts";
import { agreed, checkCertificateVerify13, checkContext, checkFinished, expectFinished13 } from "./proofs.ts";
import type { RecordKeys } from "./record-keys.ts";
import type { TlsSession } from "./session.ts";
import { chooseScheme, type ProofOptions, signedContent13, signWith } from "./signatures.ts";
import { type Suite13, suite13 } from "./suites.ts";
import type { TlsEnd } from "./tls-end.ts";
import { Traffic13 } from "./traffic13.ts";

/** RFC 8446 §4.2: the extensions that a ServerHello of TLS 1.3 may have. */
const serverHelloExtensions: readonly number[] = [
  ExtensionType.supported_versions,
  ExtensionType.key_share,
  ExtensionType.pre_shared_key,
];

/** The client's side of a TLS 1.3 handshake, from its ServerHello on (RFC 8446 §2). */
export class Client13 {
  readonly suite: Suite13;
  readonly resumed: boolean;
  earlyDataAccepted = false;
  applicationProtocol: string | undefined;
  /** The server's CertificateRequest, if one came. */
  request:
    | {
        readonly context: Uint8Array;
        readonly schemes: readonly number[];
        /** Of all of its extensions. */
        readonly extensionTypes: readonly number[];
      }
    | undefined;
  traffic: Traffic13 | undefined;
  readonly #end: TlsEnd;
  readonly #offer: ClientOffer;
  readonly #schedule: KeySchedule;
  readonly #secrets: SecretPair;
  readonly #credential: Credential | undefined;
  readonly #earlyDataSent: boolean;
  #resumptionHash: Uint8Array | undefined;

  constructor(
    end: TlsEnd,
    offer: ClientOffer,
    hello: ServerHello,
    options: { readonly credential: Credential | undefined; readonly earlyDataSent: boolean },
  ) {
    this.#end = end;
    this.#offer = offer;
    this.#credential = options.credential;
    this.#earlyDataSent = options.earlyDataSent;
    const suite = suite13(hello.cipherSuite);
    if (suite === undefined) end.refuse("illegal_parameter", "the server chose a suite of another version");
    this.suite = suite;
    const extensions = new ExtensionReader(hello.extensions);
    this.#checkHello(hello, extensions);
    const selectedPsk = extensions.selectedPsk();
    this.resumed = selectedPsk !== undefined;
    const session = selectedPsk === undefined ? undefined : offer.session;
    if (selectedPsk !== undefined && (selectedPsk !== 0 || session?.version !== "TLS 1.3")) {
      end.refuse("illegal_parameter", "the server chose a PSK that was not offered");
    }
    this.#schedule = new KeySchedule(suite.hash, session?.secret);
    const digest = end.transcript.hash(suite.hash);
    this.#secrets = this.#schedule.handshakeTraffic(this.#agree(extensions), digest);
    end.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET", offer.random, this.#secrets.client);
    end.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET", offer.random, this.#secrets.server);
    end.changeReadKeys(trafficKeys(suite, this.#secrets.server));
    if (!options.earlyDataSent) this.#useHandshakeKeys();
  }

  /** From EncryptedExtensions to Finished. */
  async serverFlight(): Promise<void> {
    const end: TlsEnd = this.#end;
    const encrypted = await end.expect([HandshakeType.encrypted_extensions]);
    this.#encryptedExtensions(encrypted);
    end.taken(encrypted);
    if (this.resumed) end.peerChain = this.#offer.session?.peerChain ?? [];
    const last = this.resumed
      ? await expectFinished13(end, [HandshakeType.finished], () => this.#ahead())
      : await this.#authenticate();
    if (last !== "application data") {
      const base = this.#secrets.server;
      checkFinished(end, last, finishedData(this.suite.hash, base, end.transcript.hash(this.suite.hash)));
      end.taken(last);
    }
    const digest = end.transcript.hash(this.suite.hash);
    const secrets = this.#schedule.applicationTraffic(digest);
    end.secret("CLIENT_TRAFFIC_SECRET_0", this.#offer.random, secrets.client);
    end.secret("SERVER_TRAFFIC_SECRET_0", this.#offer.random, secrets.server);
    end.secret("EXPORTER_SECRET", this.#offer.random, this.#schedule.exporter(digest));
    this.traffic = new Traffic13(end, this.suite, secrets);
    if (last !== "application data") this.traffic.useForReading();
  }

  /** Certificate and CertificateVerify if they were asked for, and Finished; then the application keys. */
  ownFlight(): void {
    const end: TlsEnd = this.#end;
    end.emitChangeCipherSpec();
    if (this.earlyDataAccepted) {
      end.emit({ msgType: HandshakeType.end_of_early_data, body: new Uint8Array() });
      this.#useHandshakeKeys();
    }
    if (this.request !== undefined) {
      const certificate = this.certificate();
      end.emit(certificate);
      if (this.#credential !== undefined) end.emit(this.certificateVerify());
    }
    end.emit(this.finished());
    this.#resumptionHash = end.transcript.hash(this.suite.hash);
    this.traffic?.useForWriting();
  }

  /** Certificate with the own chain, or another; empty where there is none. */
  certificate(chain: readonly Uint8Array[] = this.#credential?.chain ?? []): MessageBody {
    return certificate13(chain, this.request?.context);
  }

  /** CertificateVerify over the transcript as it is now. @throws Error where no key is at hand */
  certificateVerify(options: ProofOptions = this.#offer.options.proof ?? {}): MessageBody {
    const key = options.key ?? this.#credential?.key;
    if (key === undefined) throw new RangeError("a CertificateVerify needs a key");
    const scheme = options.scheme ?? chooseScheme("TLS 1.3", key, this.request?.schemes ?? []);
    const digest = options.transcriptHash ?? this.#end.transcript.hash(this.suite.hash);
    return certificateVerify(
      scheme,
      signWith(scheme, key, signedContent13(options.context ?? "client", digest)),
    );
  }

  /** Finished over the transcript as it is now. */
  finished(): MessageBody {
    const digest = this.#end.transcript.hash(this.suite.hash);
    return finished(finishedData(this.suite.hash, this.#secrets.client, digest));
  }

  /** The session that a NewSessionTicket gives. */
  session(message: HandshakeMessage): TlsSession {
    const ticket = decode(message.name, NewSessionTicket13, message.body);
    const digest = this.#resumptionHash ?? this.#end.transcript.hash(this.suite.hash);
    const { serverName } = this.#offer.options;
    return {
      version: "TLS 1.3",
      cipherSuite: this.suite.id,
      secret: this.#schedule.resumptionPsk(digest, ticket.ticketNonce),
      ticket: Uint8Array.from(ticket.ticket),
      extendedMasterSecret: true,
      ageAdd: ticket.ticketAgeAdd,
      lifetime: ticket.ticketLifetime,
      receivedAt: Date.now(),
      maxEarlyData: new ExtensionReader(ticket.extensions).maxEarlyData() ?? 0,
      serverName: typeof serverName === "string" ? serverName : undefined,
      peerChain: this.#end.peerChain,
    };
  }

  /** What the server would go on with, if it had no more to say. */
  #ahead(): RecordKeys {
    const digest = this.#end.transcript.hash(this.suite.hash);
    return trafficKeys(this.suite, this.#schedule.applicationTraffic(digest).server);
  }

  #useHandshakeKeys(): void {
    this.#end.records.write = trafficKeys(this.suite, this.#secrets.client);
  }

  #checkHello(hello: ServerHello, extensions: ExtensionReader): void {
    const end: TlsEnd = this.#end;
    const sameId = Buffer.compare(hello.sessionId, this.#offer.sessionId) === 0;
    end.require("session-id-echo-not-checked", sameId, "illegal_parameter", "another legacy_session_id_echo");
    const offered = this.#offer.cipherSuites.includes(hello.cipherSuite);
    end.require("unoffered-cipher-suite", offered, "illegal_parameter", "a suite that was not offered");
    const noCompression = hello.compressionMethod === 0;
    end.require("compression-accepted", noCompression, "illegal_parameter", "a compression method");
    checkExtensions(end, extensions, (type) => serverHelloExtensions.includes(type));
  }

  #agree(extensions: ExtensionReader): Uint8Array {
    const end: TlsEnd = this.#end;
    const entry = extensions.keyShare();
    if (entry === undefined) end.refuse("missing_extension", "no key_share in ServerHello");
    const share = this.#offer.shares.get(entry.group);
    end.require(
      "unoffered-group",
      share !== undefined,
      "illegal_parameter",
      "a group without a share of ours",
    );
    return agreed(end, share, entry.keyExchange, this.#offer.options.sharedSecret);
  }

  #encryptedExtensions(message: HandshakeMessage): void {
    const end: TlsEnd = this.#end;
    const reader = new ExtensionReader(decode(message.name, EncryptedExtensions, message.body).extensions);
    checkExtensions(end, reader, (type) => this.#offer.extensions.has(type));
    this.applicationProtocol = reader.applicationProtocols()?.[0];
    checkProtocol(end, this.applicationProtocol, this.#offer.options.alpn);
    this.earlyDataAccepted = reader.has(ExtensionType.early_data) && this.#earlyDataSent;
    if (this.#earlyDataSent && !this.earlyDataAccepted) this.#useHandshakeKeys();
  }

  /** CertificateRequest, Certificate and CertificateVerify, as far as they come; answers the Finished after them. */
  async #authenticate(): Promise<HandshakeMessage | "application data"> {
    const end: TlsEnd = this.#end;
    const offered = this.#offer.signatureSchemes;
    const wanted = new Set<number>([HandshakeType.certificate_request, HandshakeType.certificate]);
    if (!end.holds("certificate-message-not-required")) wanted.add(HandshakeType.finished);
    for (;;) {
      const message = await expectFinished13(end, [...wanted], () => this.#ahead());
      if (message === "application data") return message;
      switch (message.msgType) {
        case HandshakeType.finished:
          return message;
        case HandshakeType.certificate_request:
          this.#certificateRequest(message);
          wanted.delete(HandshakeType.certificate_request);
          break;
        case HandshakeType.certificate: {
          const chain = chainOf("TLS 1.3", message.body);
          checkContext(end, message);
          // RFC 8446 §4.4.2.4
          if (chain.length === 0) end.refuse("decode_error", "an empty Certificate of the server");
          end.judgePeer(chain, ocspResponseOf(message.body));
          wanted.clear();
          wanted.add(HandshakeType.certificate_verify);
          if (!end.holds("certificate-verify-not-required")) wanted.add(HandshakeType.finished);
          break;
        }
        default:
          checkCertificateVerify13(end, message, end.transcript.hash(this.suite.hash), "server", offered);
          wanted.clear();
          wanted.add(HandshakeType.finished);
          if (!end.holds("second-certificate-accepted")) wanted.add(HandshakeType.certificate);
      }
      end.taken(message);
    }
  }

  #certificateRequest(message: HandshakeMessage): void {
    const request = decode(message.name, CertificateRequest13, message.body);
    const schemes = new ExtensionReader(request.extensions).signatureAlgorithms();
    if (schemes === undefined) {
      this.#end.require(
        "malformed-hello-accepted",
        false,
        "missing_extension",
        "CertificateRequest without signature_algorithms",
      );
    }
    this.request = {
      context: request.certificateRequestContext,
      schemes: schemes ?? [],
      extensionTypes: request.extensions.map(({ extensionType }) => extensionType),
    };
  }
}

/** RFC 8446 §4.2: nothing that was not asked for, nothing twice. */
export function checkExtensions(
  end: TlsEnd,
  extensions: ExtensionReader,
  solicited: (extensionType: number) => boolean,
): void {
  const all = extensions.list.every(({ extensionType }) => solicited(extensionType));
  end.require("unsolicited-extension", all, "unsupported_extension", "an extension that was not asked for");
  const once = extensions.duplicate === undefined;
  end.require("duplicate-extension", once, "illegal_parameter", "an extension that stands twice");
}

/** RFC 7301 §3.2 */
export function checkProtocol(
  end: TlsEnd,
  chosen: string | undefined,
  offered: readonly string[] | undefined,
): void {
  if (chosen === undefined) return;
  const fits = offered?.includes(chosen) === true;
  end.require("alpn-not-checked", fits, "illegal_parameter", "a protocol that was not offered");
}
