import { randomBytes } from "../../dtls/crypto/random.ts";
import type { Credential } from "../endpoint.ts";
import { keyShareOf } from "./client-offer.ts";
import { receiveClientProof13 } from "./client-proof13.ts";
import { extension } from "./extensions.ts";
import { finishedData, KeySchedule, type SecretPair, trafficKeys } from "./key-schedule.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import {
  type ClientHello,
  certificate13,
  certificateRequest13,
  certificateVerify,
  decode,
  encode,
  encryptedExtensions,
  finished,
  ClientHello as HelloStruct,
  type MessageBody,
  NewSessionTicket13,
  ServerHello,
  serverHello,
} from "./messages.ts";
import {
  ExtensionType,
  HandshakeType,
  helloRetryRequestRandom,
  ProtocolVersion,
  PskKeyExchangeMode,
} from "./numbers.ts";
import { agreed, checkFinished, expectFinished13 } from "./proofs.ts";
import type { RecordKeys } from "./record-keys.ts";
import { acceptTicket, checkBinder, resumePeer, seconds } from "./resumption.ts";
import { ClientRequest } from "./server-choice.ts";
import type { ServerOptions } from "./server-options.ts";
import {
  chooseScheme,
  defaultSignatureSchemes,
  type ProofOptions,
  signedContent13,
  signWith,
} from "./signatures.ts";
import { type Suite13, suite13 } from "./suites.ts";
import type { TicketContents } from "./tickets.ts";
import type { TlsEnd } from "./tls-end.ts";
import { Traffic13 } from "./traffic13.ts";

/** The server's side of a TLS 1.3 handshake, from the ClientHello on (RFC 8446 §2). */
export class Server13 {
  resumed = false;
  suite: Suite13;
  applicationProtocol: string | undefined;
  traffic: Traffic13 | undefined;
  readonly #end: TlsEnd;
  readonly #options: ServerOptions;
  readonly #credential: Credential | undefined;
  #request: ClientRequest;
  #hello: HandshakeMessage;
  #schedule: KeySchedule;
  #secrets: SecretPair | undefined;
  #applicationSecrets: SecretPair | undefined;
  #resumptionHash: Uint8Array | undefined;

  constructor(end: TlsEnd, options: ServerOptions, request: ClientRequest, hello: HandshakeMessage) {
    this.#end = end;
    this.#options = options;
    this.#credential = options.credential;
    this.#request = request;
    this.#hello = hello;
    request.checkForm13();
    const suite = suite13(request.suite13());
    if (suite === undefined) end.refuse("handshake_failure", "no cipher suite that both speak");
    this.suite = suite;
    this.#schedule = new KeySchedule(suite.hash);
  }

  /** ServerHello to Finished, after a HelloRetryRequest where one is needed. */
  async ownFlight(): Promise<void> {
    const end: TlsEnd = this.#end;
    this.applicationProtocol = this.#request.applicationProtocol();
    let entry = this.#clientShare();
    const wanted = Number(this.#options.helloRetry ?? 0);
    for (let retries = 0; retries < wanted || (entry === undefined && retries === 0); retries += 1) {
      await this.#retry();
      entry = this.#clientShare();
    }
    if (entry === undefined) end.refuse("illegal_parameter", "no share of the group that was asked for");
    const psk = this.#psk();
    const earlySecret = psk === undefined ? undefined : this.#earlySecret(psk);
    const share = keyShareOf(entry.group);
    // Before a word is said: no ServerHello for a share that is none.
    const shared = agreed(end, share, entry.keyExchange, this.#options.sharedSecret);
    const list = [
      extension.selectedVersion(ProtocolVersion.TLS_1_3),
      extension.keyShare({ group: entry.group, keyExchange: share?.publicKey ?? new Uint8Array() }),
    ];
    if (psk !== undefined) list.push(extension.selectedPsk(0));
    this.#emitServerHello(serverHello(this.#helloFields(randomBytes(32), list)).body);
    end.emitChangeCipherSpec();
    this.#useHandshakeKeys(shared, earlySecret !== undefined);
    this.#emitEncryptedExtensions(earlySecret !== undefined);
    if (psk === undefined) this.#emitCertificate();
    end.emit(this.finished());
    const digest = end.transcript.hash(this.suite.hash);
    this.#applicationSecrets = this.#schedule.applicationTraffic(digest);
    this.#logApplicationSecrets(this.#applicationSecrets, digest);
    this.traffic = new Traffic13(end, this.suite, this.#applicationSecrets);
    this.traffic.useForWriting();
    if (earlySecret !== undefined) await this.#receiveEarlyData(earlySecret);
  }

  /** The client's Certificate, CertificateVerify and Finished. */
  async clientFlight(): Promise<void> {
    const end: TlsEnd = this.#end;
    const { requestCertificate = true, signatureSchemes = defaultSignatureSchemes } = this.#options;
    const last =
      this.resumed || !requestCertificate
        ? await expectFinished13(end, [HandshakeType.finished], () => this.#ahead())
        : await receiveClientProof13(end, this.suite.hash, signatureSchemes, () => this.#ahead());
    if (last !== "application data") {
      const base = this.#secrets?.client ?? new Uint8Array();
      checkFinished(end, last, finishedData(this.suite.hash, base, end.transcript.hash(this.suite.hash)));
      end.taken(last);
      this.traffic?.useForReading();
    }
    this.#resumptionHash = end.transcript.hash(this.suite.hash);
    const { tickets } = this.#options;
    const count = tickets === undefined ? 0 : (tickets.count ?? 1);
    for (let sent = 0; sent < count; sent += 1) this.sendTicket();
  }

  certificate(chain: readonly Uint8Array[] = this.#credential?.chain ?? []): MessageBody {
    return certificate13(chain);
  }

  /** CertificateVerify over the transcript as it is now. @throws Error where no key is at hand */
  certificateVerify(options: ProofOptions = this.#options.proof ?? {}): MessageBody {
    const key = options.key ?? this.#credential?.key;
    if (key === undefined) throw new RangeError("a CertificateVerify needs a key");
    const scheme = options.scheme ?? chooseScheme("TLS 1.3", key, this.#request.signatureSchemes);
    const digest = options.transcriptHash ?? this.#end.transcript.hash(this.suite.hash);
    const content = signedContent13(options.context ?? "server", digest);
    return certificateVerify(scheme, signWith(scheme, key, content));
  }

  finished(): MessageBody {
    const base = this.#secrets?.server ?? new Uint8Array();
    const digest = this.#end.transcript.hash(this.suite.hash);
    return finished(finishedData(this.suite.hash, base, digest));
  }

  certificateRequest(): MessageBody {
    const { signatureSchemes = defaultSignatureSchemes, caNames } = this.#options;
    const extensions = [extension.signatureAlgorithms(signatureSchemes)];
    if (caNames !== undefined && caNames.length > 0)
      extensions.push(extension.certificateAuthorities(caNames));
    return certificateRequest13({ certificateRequestContext: new Uint8Array(), extensions });
  }

  /** A NewSessionTicket, if this server has a key for tickets. */
  sendTicket(): void {
    const { tickets } = this.#options;
    if (tickets === undefined) return;
    const nonce = randomBytes(8);
    const ageAdd = Buffer.from(randomBytes(4)).readUInt32BE();
    const lifetime = tickets.lifetime ?? 7200;
    const digest = this.#resumptionHash ?? this.#end.transcript.hash(this.suite.hash);
    const ticket = tickets.key.seal({
      version: ProtocolVersion.TLS_1_3,
      cipherSuite: this.suite.id,
      extendedMasterSecret: 1,
      secret: this.#schedule.resumptionPsk(digest, nonce),
      ageAdd,
      issuedAt: seconds(tickets.now),
      lifetime,
      domain: Buffer.from(tickets.domain ?? ""),
      serverName: Buffer.from(this.#request.serverName ?? "", "latin1"),
      chain: this.#end.peerChain,
    });
    const early = tickets.maxEarlyData;
    const body = encode(NewSessionTicket13, {
      ticketLifetime: lifetime,
      ticketAgeAdd: ageAdd,
      ticketNonce: nonce,
      ticket,
      extensions: early === undefined ? [] : [extension.maxEarlyData(early)],
    });
    this.#end.sendHandshake({ msgType: HandshakeType.new_session_ticket, body }, { transcribed: false });
  }

  #clientShare() {
    const group = this.#request.group();
    if (group === undefined) this.#end.refuse("handshake_failure", "no group that both speak");
    const shares = this.#request.extensions.keyShares();
    if (shares === undefined) this.#end.refuse("missing_extension", "no key_share");
    const own = this.#options.groups;
    return (
      shares.find((share) => share.group === group) ??
      shares.find((share) => (own?.includes(share.group) ?? true) && keyShareOf(share.group) !== undefined)
    );
  }

  #helloFields(random: Uint8Array, extensions: ServerHello["extensions"]): ServerHello {
    const fields = {
      serverVersion: ProtocolVersion.TLS_1_2,
      random,
      sessionId: this.#request.hello.sessionId,
      cipherSuite: this.suite.id,
      compressionMethod: 0,
    };
    return extensions === undefined ? fields : { ...fields, extensions };
  }

  /** A hook may have chosen another suite: then that is what this end goes on with. */
  #emitServerHello(body: Uint8Array): void {
    const sent = this.#end.emit({ msgType: HandshakeType.server_hello, body });
    if (sent === undefined) return;
    try {
      const suite = suite13(decode("ServerHello", ServerHello, sent).cipherSuite);
      if (suite === undefined || suite.hash !== this.suite.hash) return;
      this.suite = suite;
    } catch {
      // A hello that was broken on purpose.
    }
  }

  async #retry(): Promise<void> {
    const end: TlsEnd = this.#end;
    const first = this.#request;
    const group = first.group();
    if (group === undefined) end.refuse("handshake_failure", "no group that both speak");
    end.transcript.replaceFirstByHash(this.suite.hash);
    const list = [extension.selectedVersion(ProtocolVersion.TLS_1_3)];
    const offered = this.#request.extensions.keyShares()?.some((share) => share.group === group) === true;
    if (offered) list.push(extension.cookie(randomBytes(16)));
    else list.push(extension.selectedGroup(group));
    end.emit(serverHello(this.#helloFields(helloRetryRequestRandom, list)));
    end.emitChangeCipherSpec();
    this.#hello = await end.expect([HandshakeType.client_hello]);
    const hello: ClientHello = decode(this.#hello.name, HelloStruct, this.#hello.body);
    end.taken(this.#hello);
    this.#request = new ClientRequest(end, this.#options, hello);
    // RFC 8446 §4.1.2: but for key_share, early_data, cookie, pre_shared_key and padding it is the same hello.
    const same =
      Buffer.compare(hello.random, first.hello.random) === 0 &&
      Buffer.compare(hello.sessionId, first.hello.sessionId) === 0 &&
      hello.cipherSuites.join() === first.hello.cipherSuites.join() &&
      first.serverName === this.#request.serverName;
    end.require("changed-second-hello", same, "illegal_parameter", "the second ClientHello is another");
  }

  #useHandshakeKeys(shared: Uint8Array, earlyData: boolean): void {
    const end: TlsEnd = this.#end;
    const { random } = this.#request.hello;
    const digest = end.transcript.hash(this.suite.hash);
    this.#secrets = this.#schedule.handshakeTraffic(shared, digest);
    end.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET", random, this.#secrets.client);
    end.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET", random, this.#secrets.server);
    end.records.write = trafficKeys(this.suite, this.#secrets.server);
    if (!earlyData) {
      end.changeReadKeys(trafficKeys(this.suite, this.#secrets.client));
      // RFC 8446 §4.2.10: early data that is not taken is passed over.
      end.records.skipUndecryptable = this.#request.extensions.has(ExtensionType.early_data) ? 2 ** 16 : 0;
    }
  }

  #emitEncryptedExtensions(earlyData: boolean): void {
    const list = [...(this.#options.extensions ?? [])];
    if (this.applicationProtocol !== undefined) {
      list.push(extension.applicationProtocols([this.applicationProtocol]));
    }
    if (earlyData) list.push(extension.earlyData());
    this.#end.emit(encryptedExtensions(list));
  }

  #emitCertificate(): void {
    const end: TlsEnd = this.#end;
    if (this.#options.requestCertificate !== false) end.emit(this.certificateRequest());
    if (this.#credential === undefined) return;
    end.emit(this.certificate());
    end.emit(this.certificateVerify());
  }

  #logApplicationSecrets(secrets: SecretPair, digest: Uint8Array): void {
    const { random } = this.#request.hello;
    this.#end.secret("CLIENT_TRAFFIC_SECRET_0", random, secrets.client);
    this.#end.secret("SERVER_TRAFFIC_SECRET_0", random, secrets.server);
    this.#end.secret("EXPORTER_SECRET", random, this.#schedule.exporter(digest));
  }

  // --- resumption ---

  /** The ticket's contents, if this handshake resumes a session. */
  #psk(): TicketContents | undefined {
    const { tickets } = this.#options;
    const offered = this.#request.extensions.offeredPsks();
    if (offered === undefined || tickets === undefined) return undefined;
    const end: TlsEnd = this.#end;
    const modes = this.#request.extensions.pskKeyExchangeModes();
    // RFC 8446 §4.2.9
    if (modes === undefined) end.refuse("missing_extension", "pre_shared_key without psk_key_exchange_modes");
    if (!modes.includes(PskKeyExchangeMode.psk_dhe_ke)) return undefined;
    const [identity] = offered.identities;
    const contents = acceptTicket(
      end,
      this.#options,
      this.#request,
      identity?.identity,
      ProtocolVersion.TLS_1_3,
    );
    if (contents === undefined) return undefined;
    const suite = suite13(contents.cipherSuite);
    // RFC 8446 §4.2.11: the PSK goes with its hash.
    if (suite === undefined || suite.hash !== this.suite.hash) return undefined;
    checkBinder(end, this.suite.hash, this.#hello, offered, contents.secret);
    this.resumed = true;
    this.#schedule = new KeySchedule(this.suite.hash, contents.secret);
    resumePeer(end, this.#options, contents);
    return contents;
  }

  /** Undefined where early data was not offered, or is not taken: a strict server takes none. */
  #earlySecret(psk: TicketContents): Uint8Array | undefined {
    const offered = this.#request.extensions.has(ExtensionType.early_data);
    if (!offered || this.#end.holds("early-data-accepted")) return undefined;
    const digest = this.#end.transcript.hash(this.suite.hash);
    return new KeySchedule(this.suite.hash, psk.secret).clientEarlyTraffic(digest);
  }

  async #receiveEarlyData(secret: Uint8Array): Promise<void> {
    const end: TlsEnd = this.#end;
    end.secret("CLIENT_EARLY_TRAFFIC_SECRET", this.#request.hello.random, secret);
    end.changeReadKeys(trafficKeys(this.suite, secret));
    for (;;) {
      const next = await end.expect([HandshakeType.end_of_early_data], { applicationData: true });
      if (typeof next === "string") continue;
      end.taken(next);
      break;
    }
    const base = this.#secrets?.client;
    if (base !== undefined) end.changeReadKeys(trafficKeys(this.suite, base));
  }

  // --- the client's certificate ---

  /** What the client would go on with, if it had no more to say. */
  #ahead(): RecordKeys {
    return trafficKeys(this.suite, this.#applicationSecrets?.client ?? new Uint8Array());
  }
}
