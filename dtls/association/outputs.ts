import type { DtlsError } from "../errors.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import type { ResumableSession } from "../handshake/session.ts";
import type { Credential } from "../signer.ts";
import type { SignatureScheme } from "../wire/registry.ts";
import type { Address } from "./settings.ts";

/** What an association tells whoever drives it; taken with `takeOutputs`, in order. */
export type Output =
  | { readonly type: "datagram"; readonly bytes: Uint8Array; readonly to: Address }
  /** Something only the application knows. The association waits; `answer` goes on with it. */
  | { readonly type: "request"; readonly request: CredentialRequest }
  | { readonly type: "established"; readonly peer: AuthenticatedPeer | undefined; readonly resumed: boolean }
  | { readonly type: "data"; readonly bytes: Uint8Array }
  /** RFC 9146 §6: the peer proved that it moved. */
  | { readonly type: "address"; readonly from: Address; readonly to: Address }
  /** The client may keep this to resume later; the server's store or ticket has the other half. */
  | { readonly type: "session"; readonly session: ResumableSession }
  /** A line of a key log file (SSLKEYLOGFILE). */
  | { readonly type: "keylog"; readonly line: string }
  /** Something odd that changed nothing, to be counted by its reason. */
  | { readonly type: "discarded"; readonly reason: DiscardReason; readonly bytes: number }
  /** The end; nothing comes after it. Without an error: an orderly close. */
  | { readonly type: "closed"; readonly error: DtlsError | undefined };

/** Why a record, fragment or datagram was thrown away. RFC 6347 §4.1.2.7: silently, but not uncounted. */
export const discardReasons = [
  "malformed_record",
  "unknown_epoch",
  "wrong_version",
  "record_too_large",
  "bad_record_mac",
  "replayed",
  "wrong_connection_id",
  "missing_connection_id",
  "unprotected_application_data",
  "unprotected_alert",
  "unexpected_content_type",
  "unexpected_change_cipher_spec",
  "malformed_fragment",
  "inconsistent_fragment",
  "message_too_far_ahead",
  "message_too_large",
  "queue_full",
  "repeated_message",
  "unexpected_message",
  "renegotiation_refused",
  "malformed_alert",
  "malformed_return_routability_message",
  "unexpected_return_routability_message",
  "address_not_validated",
  "closed",
] as const;
export type DiscardReason = (typeof discardReasons)[number];

/** What only the application can answer. `id` names the question: an answer that comes too late is ignored. */
export type CredentialRequest = { readonly id: number } & Question;

export type Question =
  /** Server: which certificate to show; undefined when there is none for this client. Client: which to show when asked. */
  | {
      readonly kind: "credential";
      readonly serverName: string | undefined;
      readonly certificateTypes: readonly ("X509" | "RawPublicKey")[];
      readonly signatureSchemes: readonly SignatureScheme[];
      /** Client: the distinguished names (DER) of CertificateRequest; empty on the server. */
      readonly certificateAuthorities: readonly Uint8Array[];
    }
  | {
      readonly kind: "sign";
      readonly credential: Credential;
      readonly scheme: SignatureScheme;
      readonly bytes: Uint8Array;
    }
  /** Is this peer, which has proved to hold the key, one to talk to? */
  | { readonly kind: "peer"; readonly claim: PeerClaim }
  /** Server: the key of this identity. Client: identity and key to use; the hint is what the server sent. */
  | { readonly kind: "psk"; readonly identity: Uint8Array | undefined; readonly hint: Uint8Array | undefined }
  /** Server: the session by this id or ticket. */
  | { readonly kind: "session"; readonly sessionId: Uint8Array; readonly ticket: Uint8Array | undefined }
  /** Server: keep this session under its id, or seal it into a ticket; the answer is the ticket, or undefined. */
  | { readonly kind: "store"; readonly session: ResumableSession; readonly asTicket: boolean };

export interface PeerClaim {
  readonly certificateType: "X509" | "RawPublicKey" | "PSK";
  /** DER certificates, leaf first; a raw public key's SubjectPublicKeyInfo alone; empty for a PSK. */
  readonly chain: readonly Uint8Array[];
  readonly pskIdentity: Uint8Array | undefined;
  /** Client: the name that the server must have. */
  readonly serverName: string | undefined;
  /** Client: the address it was asked to talk to. Server: where the client is. */
  readonly address: Address;
  readonly resumed: boolean;
}

export type Answer =
  | { readonly kind: "credential"; readonly credential: Credential | undefined }
  | { readonly kind: "sign"; readonly signature: Uint8Array }
  | { readonly kind: "peer"; readonly identity: unknown }
  | {
      readonly kind: "psk";
      readonly psk: { readonly identity: Uint8Array; readonly key: Uint8Array } | undefined;
    }
  | { readonly kind: "session"; readonly session: ResumableSession | undefined }
  | { readonly kind: "store"; readonly ticket: Uint8Array | undefined }
  /** The question could not be answered, or the peer is refused: the handshake fails with this error's alert. */
  | { readonly kind: "refused"; readonly error: DtlsError };
