import type { Environment } from "../../../dtls/association/settings.ts";
import type { KeyShare } from "../../../dtls/crypto/key-agreement.ts";
import type { Suite } from "../../../dtls/crypto/suites.ts";
import type { Credential } from "../../../dtls/signer.ts";
import { Certificate, CertificateVerify } from "../../../dtls/wire/certificate.ts";
import {
  type ClientExtensions,
  readServerExtensions,
  writeClientExtensions,
} from "../../../dtls/wire/extensions.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../../../dtls/wire/hello.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
} from "../../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../../dtls/wire/presentation.ts";
import {
  CompressionMethod,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from "../../../dtls/wire/registry.ts";
import type { Prng } from "../../../mitm/prng.ts";
import { Adversary, type HeardMessage, type MessageOptions } from "./adversary.ts";
import { serverName } from "./credentials.ts";
import { certificateBody, pskPremaster, signNow } from "./key-exchange.ts";

export interface AdversaryClientOptions {
  readonly suite: Suite;
  readonly prng: Prng;
  readonly environment: Environment;
  readonly credential?: Credential;
  readonly psk?: { readonly identity: string; readonly key: Uint8Array };
  readonly extensions?: ClientExtensions;
  readonly scheme?: SignatureScheme;
  readonly sessionId?: Uint8Array;
}

/** A client that sends whatever its script says. See Adversary. */
export class AdversaryClient extends Adversary {
  readonly role = "client";
  cookie: Uint8Array = new Uint8Array();
  readonly extensions: ClientExtensions;
  readonly #options: AdversaryClientOptions;
  #ownShare: KeyShare | undefined;
  #serverPublic: Uint8Array | undefined;

  constructor(options: AdversaryClientOptions) {
    super(options.suite, options.prng);
    this.#options = options;
    this.extensions = options.extensions ?? {
      serverName,
      supportedGroups: [NamedGroup.secp256r1],
      ecPointFormats: [0],
      signatureAlgorithms: Object.values(SignatureScheme),
      extendedMasterSecret: true,
      renegotiationInfo: new Uint8Array(),
    };
    this.ownConnectionId = this.extensions.connectionId;
  }

  /** With the cookie as soon as there is one. */
  clientHello(over: Partial<ClientHello> = {}, options: MessageOptions = {}): Uint8Array {
    const body = encode(ClientHello, {
      clientVersion: ProtocolVersion.DTLS_1_2,
      random: this.random,
      sessionId: this.#options.sessionId ?? new Uint8Array(),
      cookie: this.cookie,
      cipherSuites: [this.suite.id],
      compressionMethods: [CompressionMethod.null],
      extensions: writeClientExtensions(this.extensions),
      ...over,
    });
    return this.message(HandshakeType.client_hello, body, options);
  }

  certificate(chain = this.#options.credential?.chain ?? [], options: MessageOptions = {}): Uint8Array {
    const body = certificateBody(this.#options.credential?.certificateType, chain);
    return this.message(HandshakeType.certificate, body, options);
  }

  emptyCertificate(options: MessageOptions = {}): Uint8Array {
    return this.message(HandshakeType.certificate, encode(Certificate, { certificateList: [] }), options);
  }

  /** Also derives the keys, of the transcript up to and with this message, if it stands there. */
  clientKeyExchange(options: MessageOptions & { readonly body?: Uint8Array } = {}): Uint8Array {
    const datagram = this.message(
      HandshakeType.client_key_exchange,
      options.body ?? this.#keyExchangeBody(),
      options,
    );
    if (options.transcribed ?? options.messageSeq === undefined) this.derive(this.#premaster());
    return datagram;
  }

  /** RFC 5246 §7.4.8: over all messages so far. */
  certificateVerify(
    options: MessageOptions & { readonly algorithm?: number; readonly signature?: Uint8Array } = {},
  ): Uint8Array {
    const scheme = this.#options.scheme ?? SignatureScheme.ecdsa_secp256r1_sha256;
    const algorithm = options.algorithm ?? scheme;
    const signature =
      options.signature ?? signNow(this.#options.credential, Buffer.concat(this.transcript), scheme);
    const body = encode(CertificateVerify, { algorithm, signature });
    return this.message(HandshakeType.certificate_verify, body, options);
  }

  protected override learn({ msgType, body }: HeardMessage): void {
    if (msgType === HandshakeType.hello_verify_request) {
      this.cookie = decode("HelloVerifyRequest", HelloVerifyRequest, body).cookie;
      // RFC 6347 §4.2.1: the first ClientHello and HelloVerifyRequest are in no transcript.
      this.transcript = [];
    } else if (msgType === HandshakeType.server_hello) {
      const hello = decode("ServerHello", ServerHello, body);
      this.peerRandom = hello.random;
      const extensions = readServerExtensions(hello.extensions, this.extensions, true);
      this.peerConnectionId = extensions.connectionId;
      if (extensions.connectionId === undefined) this.ownConnectionId = undefined;
    } else if (msgType === HandshakeType.server_key_exchange) {
      this.#serverPublic = this.#publicIn(body);
    }
  }

  #publicIn(body: Uint8Array): Uint8Array | undefined {
    switch (this.suite.keyExchange) {
      case "PSK":
        return undefined;
      case "ECDHE_PSK":
        return decode("ServerKeyExchange", ServerKeyExchangeEcdhePsk, body).params.public;
      case "ECDHE_ECDSA":
      case "ECDHE_RSA":
        return decode("ServerKeyExchange", ServerKeyExchangeEcdhe, body).params.public;
    }
  }

  #keyExchangeBody(): Uint8Array {
    const pskIdentity = Buffer.from(this.#options.psk?.identity ?? "");
    switch (this.suite.keyExchange) {
      case "PSK":
        return encode(ClientKeyExchangePsk, { pskIdentity });
      case "ECDHE_PSK":
        return encode(ClientKeyExchangeEcdhePsk, { pskIdentity, public: this.#share().publicKey });
      case "ECDHE_ECDSA":
      case "ECDHE_RSA":
        return encode(ClientKeyExchangeEcdhe, { public: this.#share().publicKey });
    }
  }

  #premaster(): Uint8Array {
    const key = this.#options.psk?.key ?? new Uint8Array();
    if (this.suite.keyExchange === "PSK") return pskPremaster(new Uint8Array(key.length), key);
    // Before the server's ServerKeyExchange nobody knows: some other secret then.
    const shared = this.#serverPublic ? this.#share().agree(this.#serverPublic) : new Uint8Array(32);
    return this.suite.keyExchange === "ECDHE_PSK" ? pskPremaster(shared, key) : shared;
  }

  #share(): KeyShare {
    this.#ownShare ??= this.#options.environment.generateKeyShare(NamedGroup.secp256r1);
    return this.#ownShare;
  }
}
