import { DtlsError, type DtlsErrorCode } from "../../dtls/index.ts";
import { GatewayError, type RefusalReason } from "../errors.ts";
import { asRefusal } from "../trust.ts";

/** Why something ended or did not begin, as events tell it. An empty detail stands for the reason's explanation. */
export interface End {
  readonly reason: RefusalReason;
  readonly detail: string;
}

/**
 * RFC 5246 §7.2.2: the alert that a refused peer gets follows from the code. Reasons that are not here are answered by
 * certificate_unknown, "some other (unspecified) issue".
 */
const codeFor: Partial<Record<RefusalReason, DtlsErrorCode>> = {
  // "A certificate was corrupt, contained signatures that did not verify correctly, etc."
  certificate_malformed: "DTLS_BAD_CERTIFICATE",
  bad_signature: "DTLS_BAD_CERTIFICATE",
  not_a_ca: "DTLS_BAD_CERTIFICATE",
  path_length: "DTLS_BAD_CERTIFICATE",
  name_constraints: "DTLS_BAD_CERTIFICATE",
  identity_malformed: "DTLS_BAD_CERTIFICATE",
  // "A certificate was of an unsupported type."
  wrong_key_usage: "DTLS_UNSUPPORTED_CERTIFICATE",
  wrong_extended_key_usage: "DTLS_UNSUPPORTED_CERTIFICATE",
  unknown_critical_extension: "DTLS_UNSUPPORTED_CERTIFICATE",
  weak_algorithm: "DTLS_UNSUPPORTED_CERTIFICATE",
  leaf_is_ca: "DTLS_UNSUPPORTED_CERTIFICATE",
  certificate_revoked: "DTLS_CERTIFICATE_REVOKED",
  // "A certificate has expired or is not currently valid."
  certificate_expired: "DTLS_CERTIFICATE_EXPIRED",
  certificate_not_yet_valid: "DTLS_CERTIFICATE_EXPIRED",
  unknown_issuer: "DTLS_UNKNOWN_CA",
  certificate_self_signed: "DTLS_UNKNOWN_CA",
  // "A valid certificate was received, but when access control was applied, the sender decided not to proceed."
  wrong_trust_domain: "DTLS_ACCESS_DENIED",
  certificate_unknown: "DTLS_ACCESS_DENIED",
  certificate_identity_differs: "DTLS_ACCESS_DENIED",
  device_unknown: "DTLS_ACCESS_DENIED",
  device_inactive: "DTLS_ACCESS_DENIED",
};

/** What `dtls/` says of its own accord. What is not here is a handshake that failed or a connection that was lost. */
const reasonFor: Partial<Record<DtlsErrorCode, RefusalReason>> = {
  DTLS_PROTOCOL_VERSION: "tls_version",
  DTLS_NO_COMMON_SUITE: "tls_no_shared_cipher",
  DTLS_NO_EXTENDED_MASTER_SECRET: "no_extended_master_secret",
  DTLS_NO_CERTIFICATE: "no_certificate",
  DTLS_BAD_CERTIFICATE: "certificate_malformed",
  DTLS_UNSUPPORTED_CERTIFICATE: "weak_algorithm",
  DTLS_CERTIFICATE_EXPIRED: "certificate_expired",
  DTLS_BAD_SIGNATURE: "bad_proof_of_possession",
  DTLS_HANDSHAKE_TIMEOUT: "handshake_timeout",
  DTLS_PEER_ALERT: "peer_alert",
  DTLS_PEER_GONE: "taken_over",
  DTLS_SEQUENCE_EXHAUSTED: "keys_exhausted",
  DTLS_EVICTED: "session_displaced",
  DTLS_IDLE: "session_idle",
};

/** The refusal of a peer, as the error that `dtls/` answers with the fitting alert. Anything unforeseen refuses too. */
export function dtlsRefusal(error: unknown): DtlsError {
  const refusal = asRefusal(error);
  return dtlsErrorFor({ reason: refusal.reason ?? "certificate_refused", detail: refusal.message }, refusal);
}

/** What a session is ended with for a reason of ours. */
export function dtlsErrorFor({ reason, detail }: End, cause?: GatewayError): DtlsError {
  const code = codeFor[reason] ?? "DTLS_CERTIFICATE_UNKNOWN";
  return new DtlsError(code, detail, cause && { cause });
}

/** Why a handshake failed. Our own refusals come back as they were made. */
export function whyRefused(error: DtlsError): End {
  const { cause } = error;
  if (cause instanceof GatewayError && cause.reason !== undefined) {
    return { reason: cause.reason, detail: cause.message };
  }
  return { reason: reasonFor[error.code] ?? "handshake_failed", detail: detailOf(error) };
}

/** Why an established session ended, where the gateway itself did not end it. */
export function whyEnded(error: DtlsError | undefined): End {
  // RFC 5246 §7.2.1: close_notify.
  if (error === undefined) return { reason: "client_disconnect", detail: "" };
  return { reason: reasonFor[error.code] ?? "connection_lost", detail: detailOf(error) };
}

function detailOf(error: DtlsError): string {
  return `${error.message} (${error.code})`;
}
