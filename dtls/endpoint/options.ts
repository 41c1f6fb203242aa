import type { PeerClaim, Question } from "../association/outputs.ts";
import type { Retransmission } from "../association/settings.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import type { Credential } from "../signer.ts";
import type { NamedGroup, SignatureScheme } from "../wire/registry.ts";
import type { DTLSSecureContext } from "./secure-context.ts";
import type { WorkerPlace } from "./worker-place.ts";

export type Awaitable<T> = T | PromiseLike<T>;

/** PEM: text, or its bytes. Several certificates may stand in one. */
export type Pem = string | Uint8Array;

export type CertificateType = "X509" | "RawPublicKey";

/** A certificate chain and its key, as PEM. */
export interface PemCredential {
  /** The certificate, then those of its issuers; the root may be left out. */
  readonly cert: Pem;
  readonly key: Pem;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
}

/** What is known when a credential is chosen. */
export type CredentialQuestion = Omit<Extract<Question, { kind: "credential" }>, "kind">;

/** One, several to choose from by kind and signature scheme, or a function that chooses; undefined: there is none. */
export type CredentialSource =
  | Credential
  | readonly Credential[]
  | ((question: CredentialQuestion) => Awaitable<Credential | undefined>);

/**
 * Is this peer one to talk to? It holds the key of what it shows: that is proved before anything is released, so an
 * answer may be kept by certificate. What is returned becomes `session.identity`. Throwing refuses: a DtlsError is
 * answered with its alert (DTLS_CERTIFICATE_REVOKED, DTLS_ACCESS_DENIED, …), anything else with certificate_unknown.
 * So do `false`, `null` and `undefined`: who is let in is said by returning something else, as its name, or true.
 *
 * Asked in every handshake, in resumed ones too (`claim.resumed`), for every restored session, and for all live
 * sessions by `endpoint.recheck()`.
 */
export type VerifyPeer = (claim: PeerClaim) => unknown;

/** The pre-shared key of a client and the identity that names it. */
export interface ClientPsk {
  readonly identity: string | Uint8Array;
  readonly key: Uint8Array;
}

/** What `endpoint.exportAssociations` made, and the key it was made with. */
export interface Restore {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** To be used once: two endpoints with the same keys would repeat AEAD nonces. */
  readonly associations: Uint8Array;
}

/** What `listen` and `connect` have in common. */
export interface CommonOptions {
  /** Of `createSecureContext`: in place of the options that it was given. */
  readonly secureContext?: DTLSSecureContext | undefined;

  // --- what this side shows ---
  /** Our certificate chain, PEM; with `key`. */
  readonly cert?: Pem | undefined;
  /** Our private key, PEM. It must fit the first certificate of `cert`. */
  readonly key?: Pem | undefined;
  /** Of an encrypted `key`. */
  readonly passphrase?: string | undefined;
  /** In place of `cert` and `key`: signers that hold their keys elsewhere, raw public keys (RFC 7250), several of them. */
  readonly credentials?: CredentialSource | undefined;
  /** The kinds that a function in `credentials` can return; default X509. Known by themselves otherwise. */
  readonly certificateTypes?: readonly CertificateType[] | undefined;

  // --- what the other side must show ---
  /**
   * Trust anchors, PEM. The chain must lead to one of them by the plain rules of RFC 5280: signatures, validity, CA
   * flags, extended key usage, and for a server its name. Certificates with name constraints are refused: use
   * `verifyPeer` with a full path validation for those, and for revocation.
   */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** In place of `ca`: the judgement is the application's. */
  readonly verifyPeer?: VerifyPeer | undefined;
  /** The kinds of certificate that are taken, best first; default X509. RawPublicKey (RFC 7250) needs `verifyPeer`. */
  readonly peerCertificateTypes?: readonly CertificateType[] | undefined;
  /**
   * When a session has to end, asked once it is established. Default: when the peer's certificate expires (`notAfter`),
   * with `ca` also one above it; never for raw public keys and pre-shared keys.
   */
  readonly expiresAt?: ((identity: unknown, peer: AuthenticatedPeer) => Date | undefined) | undefined;
  /** For experiments: any certificate or raw public key will do. `session.authorized` stays false. */
  readonly dangerouslyAcceptAnyPeer?: boolean | undefined;

  // --- what is negotiated ---
  /** Cipher suites, best first, by their IANA or OpenSSL names, as an array or with colons. Default: all that fit. */
  readonly ciphers?: string | readonly string[] | undefined;
  /** RFC 8422 §5.1.1; default x25519, secp256r1, secp384r1. */
  readonly groups?: readonly (keyof typeof NamedGroup)[] | undefined;
  /** RFC 5246 §7.4.1.4.1, for what the peer signs; default ECDSA, Ed25519, RSA-PSS, then RSA PKCS#1. */
  readonly signatureSchemes?: readonly (keyof typeof SignatureScheme)[] | undefined;
  /** RFC 7301: application protocols, best first. No overlap refuses. */
  readonly alpn?: readonly string[] | undefined;
  /**
   * RFC 9146. Server: our clients put a connection id of 8 bytes on their records, so that they are known after their
   * address changed (default true; false: not negotiated). Client: the server's connection id is put on our records,
   * none is asked for (default true).
   */
  readonly connectionId?: boolean | undefined;
  /** RFC 9853: an address that changed is challenged before it is believed; default true, needs `connectionId`. */
  readonly returnRoutabilityCheck?: boolean | undefined;
  /** RFC 7627 is required; true lets peers in that do not know it, as node-dtls-client. */
  readonly dangerouslyAllowMissingExtendedMasterSecret?: boolean | undefined;

  // --- sizes and times ---
  /**
   * The largest UDP payload of a handshake, in bytes, 256 to 65507; default 1200. A message of the application is one
   * record and one datagram, however large: keep it below the path's MTU yourself.
   */
  readonly mtu?: number | undefined;
  /** RFC 8449: the largest plaintext we want to receive, in bytes, 64 to 16384; default 16384 (nothing is negotiated). */
  readonly recordSizeLimit?: number | undefined;
  /** The largest handshake message that is accepted, in bytes, 1024 to 131072; default 32768. */
  readonly maxHandshakeMessageBytes?: number | undefined;
  /** In milliseconds; default 60000. A handshake that takes longer fails with DTLS_HANDSHAKE_TIMEOUT. */
  readonly handshakeTimeout?: number | undefined;
  /** RFC 6347 §4.2.4.1, in milliseconds; default 1000 and 60000. RFC 7925 §11 wants 9000 for slow networks. */
  readonly retransmission?: Partial<Retransmission> | undefined;
  /** How long a session may be silent, in milliseconds, before it is closed (DTLS_IDLE); default 0: for ever. */
  readonly idleTimeout?: number | undefined;

  // --- the socket ---
  /** For "::": do not take IPv4 too; default false. */
  readonly ipv6Only?: boolean | undefined;
  /** SO_REUSEPORT; default false. */
  readonly reusePort?: boolean | undefined;
  /** Bytes; default the system's. */
  readonly udpReceiveBufferSize?: number | undefined;
  /** Bytes; default the system's. */
  readonly udpSendBufferSize?: number | undefined;
  /** 1 to 255; default the system's. */
  readonly udpTTL?: number | undefined;

  /** Called with lines for a key log file (SSLKEYLOGFILE): whoever reads them reads the traffic. */
  readonly onkeylog?: ((line: string) => void) | undefined;
  /** Only the value that cannot be turned off: peers are always verified. */
  readonly rejectUnauthorized?: true | undefined;
}

export interface ListenOptions extends CommonOptions {
  /** Address to bind; default 127.0.0.1. "::" takes IPv4 too. */
  readonly host?: string | undefined;
  /** UDP port; 0 takes any free one. RFC 7252 §6.2 has 5684 for CoAP. */
  readonly port: number;
  /** RFC 6066 §3: credentials by server name; other names get `cert` or `credentials`, or unrecognized_name without them. */
  readonly sni?:
    | Readonly<Record<string, Credential | PemCredential>>
    | ((servername: string) => Awaitable<Credential | PemCredential | undefined>)
    | undefined;
  /** Pre-shared keys by identity, or a look-up. Suites with PSK are then preferred to those with certificates. */
  readonly psk?:
    | Readonly<Record<string, Uint8Array>>
    | ((identity: Uint8Array) => Awaitable<Uint8Array | undefined>)
    | undefined;
  /** RFC 4279 §5.2: helps a client that has several keys to choose. */
  readonly pskIdentityHint?: string | Uint8Array | undefined;
  /** Clients must show a certificate. "requested": they may; "none": they are not asked. */
  readonly dangerouslyAllowAnonymousClients?: "requested" | "none" | undefined;
  /** Distinguished names (DER) for CertificateRequest; default the subjects of `ca`, none with `verifyPeer`. */
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;

  // --- bounds ---
  /** Associations in all, handshakes included; default 10000. */
  readonly maxSessions?: number | undefined;
  /** Of those from one IPv4 address or IPv6 /64; default 1000. */
  readonly maxSessionsPerHost?: number | undefined;
  /** Handshakes at one time; default 1000. */
  readonly maxHandshakes?: number | undefined;
  /** Of those from one IPv4 address or IPv6 /64; default 100. */
  readonly maxHandshakesPerHost?: number | undefined;
  /** When `maxSessions` is reached, the session that was silent longest makes room if it was for this long; default 1800000 ms. */
  readonly staleAfter?: number | undefined;

  // --- resumption ---
  /** RFC 5246 §7.3: sessions are kept in memory and resumed by id; default true. */
  readonly sessionIds?: boolean | undefined;
  /** RFC 5077: sessions are handed out, sealed; default true. */
  readonly sessionTickets?: boolean | undefined;
  /** 48 bytes, or several times 48 (the first seals, all open), so that tickets outlive the process or serve several; default random ones, changed every half `sessionTimeout`. */
  readonly ticketKeys?: Uint8Array | undefined;
  /** How long a session can be resumed, in seconds; default 86400. */
  readonly sessionTimeout?: number | undefined;
  /** Sessions that are kept for resumption by id; default 10000, the oldest make room. */
  readonly maxStoredSessions?: number | undefined;

  /** Associations of an earlier process go on without a handshake. */
  readonly restore?: Restore | undefined;
  /** `workerPlace()` in each of several threads on the same port: see `startWorkers`. With it `reusePort` is on. */
  readonly worker?: WorkerPlace | undefined;
  /** Only the value that cannot be turned off: see `dangerouslyAllowAnonymousClients`. */
  readonly requestCert?: true | undefined;
}

export interface ConnectOptions extends CommonOptions {
  /** The name that the server must prove, and that it is told (SNI); default the host. An address is never told. */
  readonly servername?: string | undefined;
  /** The pre-shared key, or a function of the server's hint. Alone, it offers no suites with certificates. */
  readonly psk?: ClientPsk | ((hint: Uint8Array | undefined) => Awaitable<ClientPsk | undefined>) | undefined;
  /** What an earlier session to the same server gave as `session.session`. */
  readonly session?: Uint8Array | undefined;
  /** Ask for a ticket (RFC 5077); default true. */
  readonly sessionTickets?: boolean | undefined;
  /** RFC 6066 §4: ask the server for small records, in bytes. `recordSizeLimit` is the newer way. */
  readonly maxFragmentLength?: 512 | 1024 | 2048 | 4096 | undefined;
  /** Local address; default any. */
  readonly bindHost?: string | undefined;
  /** Local port; default any. */
  readonly bindPort?: number | undefined;
}
