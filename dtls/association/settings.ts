import type { KeyShare } from "../crypto/key-agreement.ts";
import type { Suite } from "../crypto/suites.ts";
import type { ResumableSession } from "../handshake/session.ts";
import type { NamedGroup, SignatureScheme } from "../wire/registry.ts";

/** Where a peer is. Two addresses are the same when both fields are. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** Everything an association takes from outside: replaced in tests, so that a handshake replays byte for byte. */
export interface Environment {
  /** Milliseconds on a clock that never goes back; only differences count. */
  now(): number;
  /** The calendar, milliseconds since 1970. */
  wallClock(): number;
  random(length: number): Uint8Array;
  generateKeyShare(group: NamedGroup): KeyShare;
}

/** RFC 6347 §4.2.4: when a flight is sent again. */
export interface Retransmission {
  /** Before the first retransmission, in milliseconds; doubled each time. RFC 7925 §11 wants 9000 for slow networks. */
  readonly initialMs: number;
  readonly maximumMs: number;
}

/** How our own connection ids are made (RFC 9146). All that an endpoint makes have the same length. */
interface ConnectionIds {
  readonly length: number;
  make(): Uint8Array;
}

/** What both sides are set to. Resolved and checked: nothing here is optional by accident. */
export interface CommonSettings {
  /** In order of preference. */
  readonly cipherSuites: readonly Suite[];
  readonly groups: readonly NamedGroup[];
  readonly signatureSchemes: readonly SignatureScheme[];
  /** RFC 7627; false only where the caller spelled `dangerouslyAllowMissingExtendedMasterSecret`. */
  readonly requireExtendedMasterSecret: boolean;
  /** The connection ids that this side wants to receive; undefined: the extension is not negotiated. */
  readonly connectionIds: ConnectionIds | undefined;
  /** RFC 9853; only with connection ids. */
  readonly returnRoutabilityCheck: boolean;
  readonly alpnProtocols: readonly string[];
  /** Certificate types that this side takes from its peer, in order of preference. */
  readonly peerCertificateTypes: readonly ("X509" | "RawPublicKey")[];
  /** The largest UDP payload of a handshake, in bytes. Messages of the application are sent as they are. */
  readonly mtu: number;
  /** RFC 8449: the largest plaintext that this side wants to receive, 64 to 16384; undefined: no limit but 2^14. */
  readonly recordSizeLimit: number | undefined;
  readonly retransmission: Retransmission;
  readonly handshakeTimeoutMs: number;
  /** The largest handshake message that is accepted, in bytes. */
  readonly maxHandshakeMessageBytes: number;
  /** How many records of the next epoch and handshake bytes ahead of their turn are kept. */
  readonly maxQueuedBytes: number;
  /** Application asked for lines of a key log file. */
  readonly keyLog: boolean;
}

export interface ServerSettings extends CommonSettings {
  /** A client certificate is demanded in suites with certificates; "requested" and "none" have their own names in the options. */
  readonly clientAuth: "required" | "requested" | "none";
  /** DER distinguished names for CertificateRequest; empty is allowed and short. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** Certificate types of the credentials that can be asked for. */
  readonly ownCertificateTypes: readonly ("X509" | "RawPublicKey")[];
  /** Whether sessions may be resumed by session id, and by ticket (RFC 5077). */
  readonly sessionIds: boolean;
  readonly sessionTickets: boolean;
  readonly sessionLifetimeSeconds: number;
  /** Sent in ServerKeyExchange of PSK suites; undefined: none. */
  readonly pskIdentityHint: Uint8Array | undefined;
}

export interface ClientSettings extends CommonSettings {
  /** The name that the server must prove, and that is sent as SNI where it is a DNS name. */
  readonly serverName: string | undefined;
  /** Certificate types that this side can show. */
  readonly ownCertificateTypes: readonly ("X509" | "RawPublicKey")[];
  /** A session of an earlier association to resume. */
  readonly session: ResumableSession | undefined;
  /** RFC 6066 §4: 512, 1024, 2048 or 4096; undefined: not asked for. */
  readonly maxFragmentLength: 512 | 1024 | 2048 | 4096 | undefined;
  /** Ask for a session ticket (RFC 5077). */
  readonly sessionTickets: boolean;
}
