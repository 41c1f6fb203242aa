import type { Environment } from "../../../dtls/association/settings.ts";
import type { KeyShare } from "../../../dtls/crypto/key-agreement.ts";
import type { Suite } from "../../../dtls/crypto/suites.ts";
import type { Credential } from "../../../dtls/signer.ts";
import { CertificateRequest } from "../../../dtls/wire/certificate.ts";
import {
  type ClientExtensions,
  readClientExtensions,
  type ServerExtensions,
  writeServerExtensions,
} from "../../../dtls/wire/extensions.ts";
import { ClientHello, HelloVerifyRequest, ServerHello } from "../../../dtls/wire/hello.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../../../dtls/wire/key-exchange.ts";
import { decode, encode } from "../../../dtls/wire/presentation.ts";
import {
  ClientCertificateType,
  CompressionMethod,
  ECCurveType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from "../../../dtls/wire/registry.ts";
import { NewSessionTicket } from "../../../dtls/wire/session-ticket.ts";
import type { Prng } from "../../../mitm/prng.ts";
import { Adversary, type HeardMessage, type MessageOptions } from "./adversary.ts";
import { certificateBody, pskPremaster, signNow } from "./key-exchange.ts";

export interface AdversaryServerOptions {
  readonly suite: Suite;
  readonly prng: Prng;
  readonly environment: Environment;
  readonly credential?: Credential;
  readonly psk?: Uint8Array;
  /** Default: what a server answers to the extensions of our own clients. */
  readonly extensions?: ServerExtensions;
  readonly scheme?: SignatureScheme;
}

/** A server that sends whatever its script says. See Adversary. */
export class AdversaryServer extends Adversary {
  readonly role = "server";
  readonly extensions: ServerExtensions;
  /** The last ClientHello that was heard. */
  clientHello: ClientHello | undefined;
  clientExtensions: ClientExtensions = {};
  readonly #options: AdversaryServerOptions;
  #ownShare: KeyShare | undefined;

  constructor(options: AdversaryServerOptions) {
    super(options.suite, options.prng);
    this.#options = options;
    this.extensions = options.extensions ?? {
      extendedMasterSecret: true,
      renegotiationInfo: new Uint8Array(),
    };
  }

  helloVerifyRequest(
    cookie: Uint8Array = Uint8Array.of(1, 2, 3, 4),
    options: MessageOptions = {},
  ): Uint8Array {
    const body = encode(HelloVerifyRequest, { serverVersion: ProtocolVersion.DTLS_1_0, cookie });
    const datagram = this.message(HandshakeType.hello_verify_request, body, options);
    // RFC 6347 §4.2.1: neither it nor the ClientHello before it is in the transcript.
    if (options.transcribed !== true) this.transcript = [];
    return datagram;
  }

  serverHello(over: Partial<ServerHello> = {}, options: MessageOptions = {}): Uint8Array {
    const body = encode(ServerHello, {
      serverVersion: ProtocolVersion.DTLS_1_2,
      random: this.random,
      sessionId: new Uint8Array(),
      cipherSuite: this.suite.id,
      compressionMethod: CompressionMethod.null,
      extensions: writeServerExtensions(this.extensions),
      ...over,
    });
    return this.message(HandshakeType.server_hello, body, options);
  }

  certificate(chain = this.#options.credential?.chain ?? [], options: MessageOptions = {}): Uint8Array {
    const body = certificateBody(this.#options.credential?.certificateType, chain);
    return this.message(HandshakeType.certificate, body, options);
  }

  /** `signature`, `algorithm`: in place of the right ones. */
  serverKeyExchange(
    options: MessageOptions & { readonly algorithm?: number; readonly signature?: Uint8Array } = {},
  ): Uint8Array {
    return this.message(HandshakeType.server_key_exchange, this.#keyExchangeBody(options), options);
  }

  certificateRequest(options: MessageOptions = {}): Uint8Array {
    const body = encode(CertificateRequest, {
      certificateTypes: [ClientCertificateType.ecdsa_sign],
      supportedSignatureAlgorithms: [SignatureScheme.ecdsa_secp256r1_sha256],
      certificateAuthorities: [],
    });
    return this.message(HandshakeType.certificate_request, body, options);
  }

  serverHelloDone(options: MessageOptions = {}): Uint8Array {
    return this.message(HandshakeType.server_hello_done, new Uint8Array(), options);
  }

  newSessionTicket(ticket: Uint8Array = new Uint8Array(80), options: MessageOptions = {}): Uint8Array {
    const body = encode(NewSessionTicket, { ticketLifetimeHint: 3600, ticket });
    return this.message(HandshakeType.new_session_ticket, body, options);
  }

  protected override learn({ msgType, messageSeq, body }: HeardMessage): void {
    if (msgType === HandshakeType.client_hello) {
      this.clientHello = decode("ClientHello", ClientHello, body);
      this.clientExtensions = readClientExtensions(this.clientHello.extensions);
      this.peerRandom = this.clientHello.random;
      this.peerConnectionId = this.extensions.connectionId && this.clientExtensions.connectionId;
      this.ownConnectionId = this.extensions.connectionId;
      // RFC 6347 §4.2.2: the server's numbers go on from those of the ClientHello that it answers.
      this.sendSeq = messageSeq;
    } else if (msgType === HandshakeType.client_key_exchange) {
      this.derive(this.#premaster(body));
    }
  }

  #keyExchangeBody(options: { algorithm?: number; signature?: Uint8Array }): Uint8Array {
    const pskIdentityHint = new Uint8Array();
    const { keyExchange } = this.suite;
    if (keyExchange === "PSK") return encode(ServerKeyExchangePsk, { pskIdentityHint });
    const params = {
      curveType: ECCurveType.named_curve,
      namedGroup: NamedGroup.secp256r1,
      public: this.#share().publicKey,
    };
    if (keyExchange === "ECDHE_PSK") return encode(ServerKeyExchangeEcdhePsk, { pskIdentityHint, params });
    const scheme = this.#options.scheme ?? SignatureScheme.ecdsa_secp256r1_sha256;
    const signed = Buffer.concat([
      this.peerRandom ?? new Uint8Array(32),
      this.random,
      encode(ServerEcdhParams, params),
    ]);
    return encode(ServerKeyExchangeEcdhe, {
      params,
      algorithm: options.algorithm ?? scheme,
      signature: options.signature ?? signNow(this.#options.credential, signed, scheme),
    });
  }

  #premaster(body: Uint8Array): Uint8Array {
    const psk = this.#options.psk ?? new Uint8Array();
    switch (this.suite.keyExchange) {
      case "PSK":
        return pskPremaster(new Uint8Array(psk.length), psk);
      case "ECDHE_PSK":
        return pskPremaster(
          this.#share().agree(decode("ClientKeyExchange", ClientKeyExchangeEcdhePsk, body).public),
          psk,
        );
      case "ECDHE_ECDSA":
      case "ECDHE_RSA":
        return this.#share().agree(decode("ClientKeyExchange", ClientKeyExchangeEcdhe, body).public);
    }
  }

  #share(): KeyShare {
    this.#ownShare ??= this.#options.environment.generateKeyShare(NamedGroup.secp256r1);
    return this.#ownShare;
  }
}
