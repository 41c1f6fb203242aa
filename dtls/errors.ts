/**
 * Every failure that dtls/ reports, what it means, and the alert that the peer is sent for it (RFC 5246 §7.2.2);
 * undefined where none is sent. The alert follows from the code, so the two cannot disagree.
 */
export const dtlsErrors = {
  // --- the peer sent nonsense, or broke the protocol ---
  DTLS_DECODE_ERROR: ["decode_error", "a message is malformed"],
  DTLS_ILLEGAL_PARAMETER: ["illegal_parameter", "a field of a message has a value that is not allowed there"],
  DTLS_UNEXPECTED_MESSAGE: ["unexpected_message", "a message came that has no place in this state"],
  DTLS_UNSUPPORTED_EXTENSION: [
    "unsupported_extension",
    "the server answered an extension that was not offered",
  ],
  DTLS_MESSAGE_TOO_LARGE: ["illegal_parameter", "a handshake message is larger than the limits allow"],
  // --- no common ground ---
  DTLS_PROTOCOL_VERSION: ["protocol_version", "the peer does not speak DTLS 1.2"],
  DTLS_NO_COMMON_SUITE: [
    "handshake_failure",
    "no cipher suite, group, signature scheme or certificate fits both sides",
  ],
  DTLS_NO_EXTENDED_MASTER_SECRET: [
    "handshake_failure",
    "the peer does not do extended master secret (RFC 7627), which is required",
  ],
  DTLS_NO_APPLICATION_PROTOCOL: ["no_application_protocol", "no application protocol (ALPN) fits both sides"],
  DTLS_UNRECOGNIZED_NAME: [
    "unrecognized_name",
    "there is no certificate for the server name that was asked for",
  ],
  // --- proof of identity ---
  DTLS_NO_CERTIFICATE: ["handshake_failure", "the peer showed no certificate, and one is required"],
  DTLS_BAD_CERTIFICATE: ["bad_certificate", "the peer's certificate cannot be used"],
  DTLS_UNSUPPORTED_CERTIFICATE: [
    "unsupported_certificate",
    "the peer's certificate is of a kind that was not offered",
  ],
  DTLS_CERTIFICATE_REVOKED: ["certificate_revoked", "the peer's certificate is revoked"],
  DTLS_CERTIFICATE_EXPIRED: ["certificate_expired", "the peer's certificate is past its validity"],
  DTLS_CERTIFICATE_UNKNOWN: ["certificate_unknown", "the peer's certificate was refused"],
  DTLS_UNKNOWN_CA: ["unknown_ca", "the peer's certificate leads to no trust anchor"],
  DTLS_ACCESS_DENIED: ["access_denied", "the peer is known and may not enter"],
  DTLS_BAD_SIGNATURE: [
    "decrypt_error",
    "the peer's signature does not verify: it does not hold the key of its certificate",
  ],
  DTLS_BAD_FINISHED: [
    "decrypt_error",
    "the peer's Finished does not verify: the two sides saw different handshakes",
  ],
  DTLS_UNKNOWN_PSK_IDENTITY: ["decrypt_error", "no pre-shared key belongs to the identity"],
  DTLS_PSK_MISMATCH: [
    "decrypt_error",
    "the first protected records did not open: most likely the two pre-shared keys differ",
  ],
  // --- ends ---
  DTLS_HANDSHAKE_TIMEOUT: [undefined, "the handshake did not finish in time"],
  DTLS_PEER_ALERT: [undefined, "the peer sent a fatal alert; `alert` says which"],
  DTLS_PEER_GONE: [undefined, "the peer began a new association from the same address"],
  DTLS_SEQUENCE_EXHAUSTED: [
    undefined,
    "the record sequence numbers or the limits of the cipher are used up: connect again",
  ],
  DTLS_CLOSED: [undefined, "the association is closed"],
  DTLS_EVICTED: [undefined, "the association was given up for a newer one: the limits are reached"],
  DTLS_IDLE: [undefined, "nothing was heard from the peer for the idle time"],
  DTLS_INTERNAL_ERROR: ["internal_error", "a callback of the application failed"],
  // --- the caller ---
  DTLS_OPTIONS_INVALID: [undefined, "an option is unknown, missing or out of range"],
  DTLS_LISTEN_FAILED: [undefined, "the UDP port cannot be opened"],
  DTLS_UNREACHABLE: [undefined, "the host has no address, or cannot be reached"],
  DTLS_MESSAGE_SIZE: [
    undefined,
    "the message does not fit into one record: DTLS does not fragment application data",
  ],
  DTLS_STATE_INVALID: [
    undefined,
    "exported state cannot be read: another key, a damaged file, or another version",
  ],
} as const satisfies Record<string, readonly [alert: string | undefined, meaning: string]>;

export type DtlsErrorCode = keyof typeof dtlsErrors;

export interface DtlsErrorOptions extends ErrorOptions {
  /** For DTLS_PEER_ALERT: what the peer sent. */
  readonly peerAlert?: string;
}

/** The one error class of this folder. Callers match `code`, which is stable; the message is for people. */
export class DtlsError extends Error {
  override readonly name = "DtlsError";
  readonly code: DtlsErrorCode;
  /** What the peer sent, where the peer's alert is the failure. */
  readonly peerAlert: string | undefined;

  constructor(code: DtlsErrorCode, message: string, options?: DtlsErrorOptions) {
    super(message, options);
    this.code = code;
    this.peerAlert = options?.peerAlert;
  }

  /** The alert that the peer is sent for this, by its name in RFC 5246 §7.2; undefined where none is sent. */
  get alert(): string | undefined {
    return dtlsErrors[this.code][0];
  }
}
