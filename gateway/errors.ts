/** Failures that `startGateway`, `reload` and the policy and limit readers report to their caller. */
const gatewayErrors = {
  GATEWAY_OPTIONS_INVALID: "an option is unknown, missing or out of its range",
  GATEWAY_ACCESS_INVALID: "the access policy is malformed",
  GATEWAY_IDENTITY_INVALID: "the gateway's own key and certificate do not serve for TLS or DTLS",
  GATEWAY_LISTEN_FAILED: "the port cannot be opened",
  GATEWAY_STATE_FAILED: "the state directory cannot be used, or a write to it failed",
  GATEWAY_STATE_CORRUPT: "the file of the broker's state is damaged, or is no such file",
  GATEWAY_STATE_LOCKED: "another process has the broker's state open",
  GATEWAY_STATE_VERSION: "the broker's state was written by a newer version",
  GATEWAY_STATE_FULL: "a bound of the broker's state is reached: the message or subscription was refused",
  GATEWAY_STATE_CLOSED: "the broker's state was closed",
  GATEWAY_REFUSED: "a peer was refused; `reason` says why",
} as const satisfies Record<string, string>;

export type GatewayErrorCode = keyof typeof gatewayErrors;

/**
 * Why a connection, a session, a message or a subscription was refused or ended. The strings are stable:
 * they appear as `reason` in the gateway's events, and the explanation here is what people are shown.
 */
export const refusalReasons = {
  // --- the listener ---
  too_many_connections: "the gateway holds as many connections as its limits allow",
  too_many_connections_from_address: "this address holds as many connections as the limits allow",
  too_many_handshakes: "too many handshakes are unfinished",
  handshake_timeout: "the TLS or DTLS handshake did not finish in time",
  handshake_aborted: "the peer left during the TLS handshake",
  handshake_failed: "the TLS or DTLS handshake failed",
  not_tls: "the peer's first bytes were not TLS",
  tls_version: "the peer offers no version of TLS (1.2 and 1.3) or DTLS (1.2) that the gateway takes",
  tls_no_shared_cipher: "the peer offers no cipher suite or group that the gateway takes",
  tls_no_application_protocol: 'the peer asked by ALPN for protocols of which none is "mqtt"',
  no_extended_master_secret: "the peer does not do extended master secret (RFC 7627), which DTLS requires",
  peer_alert: "the peer refused the gateway: most often it does not trust the gateway's certificate",
  bad_proof_of_possession: "the peer could not prove that it holds the private key of its certificate",
  // --- the client certificate (RFC 5280 section 6) ---
  no_certificate: "the peer showed no certificate",
  certificate_malformed: "the certificate is not well-formed DER, or breaks RFC 5280",
  certificate_expired: "the certificate, or one above it, is past its notAfter",
  certificate_not_yet_valid: "the certificate, or one above it, is before its notBefore",
  certificate_revoked: "the certificate is revoked",
  certificate_self_signed: "the certificate is signed by itself",
  unknown_issuer: "no path leads from the certificate to a trust anchor",
  bad_signature: "a signature in the certificate's path does not verify",
  not_a_ca: "a certificate in the path signs without being a CA",
  path_length: "a CA's pathLenConstraint is exceeded",
  wrong_key_usage: "a certificate in the path is used against its keyUsage",
  wrong_extended_key_usage: "the certificate is not one for clients (extendedKeyUsage clientAuth)",
  name_constraints: "a CA above the certificate may not issue this name",
  unknown_critical_extension: "a critical extension is not understood",
  crl_missing: "no revocation list covers the certificate",
  crl_expired: "the revocation list is past its nextUpdate",
  weak_algorithm: "a key or a signature in the path is too weak",
  leaf_is_ca: "the certificate is one for a CA",
  path_too_costly: "judging the certificate's path would cost too much work",
  certificate_refused: "the certificate is refused",
  // --- the identity in it ---
  identity_malformed: "the certificate does not name exactly one device or operator",
  wrong_trust_domain: "the certificate belongs to another trust domain",
  certificate_unknown: "the inventory does not know the certificate",
  certificate_identity_differs: "the inventory has the certificate under another identity",
  device_unknown: "the inventory does not know the device",
  device_inactive: "the device is not active",
  // --- MQTT, before a session ---
  connect_timeout: "no complete CONNECT arrived in time",
  first_packet_not_connect: "the first packet was not CONNECT",
  protocol_version: "the peer speaks another version than MQTT 3.1.1",
  client_id_empty: "the client id is empty",
  client_id_malformed: "the client id holds characters, a length or a name that are not allowed",
  client_id_mismatch: "the client id is neither the device's id nor begins with it and a slash",
  username_mismatch: "the user name is not the device's id",
  keepalive_refused: "the keep-alive is longer than the gateway allows",
  will_refused: "the will goes to a topic, or is retained, against the access policy",
  will_too_large: "the will is larger than the gateway allows",
  too_many_sessions: "the device holds as many sessions as the limits allow",
  // --- MQTT, in a session ---
  malformed_packet: "the bytes are not MQTT 3.1.1",
  packet_too_large: "the packet is larger than the gateway allows",
  protocol_error: "a packet broke the rules of MQTT 3.1.1",
  slow_consumer: "the peer does not read what it subscribed to",
  tls_overhead:
    "the peer sends more within TLS that is no application data, as KeyUpdates, empty records and padding, than the limits allow",
  keepalive_timeout: "nothing was heard from the peer for one and a half keep-alive periods",
  topic_malformed: "the topic is empty, too long, too deep or holds characters that are not allowed",
  topic_denied: "the access policy does not allow publishing to the topic",
  retain_denied: "the access policy does not allow retained messages",
  filter_malformed: "the topic filter is malformed, too long or too deep",
  filter_denied: "the access policy does not allow subscribing to the filter",
  shared_subscription: "shared subscriptions are not offered",
  too_many_subscriptions: "the session holds as many subscriptions as the limits allow",
  publish_refused: "a PUBLISH was refused, and MQTT 3.1.1 has no other answer than to close",
  storage_failed: "the message could not be stored durably",
  taken_over: "the same device connected again with the same client id, or over DTLS from the same address",
  client_disconnect: "the peer said DISCONNECT, or over DTLS close_notify",
  connection_lost: "the connection ended without DISCONNECT",
  gateway_stopping: "the gateway stops",
  // --- DTLS, in a session ---
  session_idle: "nothing was heard from the peer for as long as the limits allow",
  session_displaced:
    "the session made room for a newer one, of the same device or because the limits are reached",
  keys_exhausted: "the session's keys have protected as much as they may: the peer has to connect again",
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof refusalReasons;

/**
 * The one error class of `gateway/`. `code` is stable; `reason` is set when the code is GATEWAY_REFUSED.
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: GatewayErrorCode;
  readonly reason: RefusalReason | undefined;
  constructor(
    code: GatewayErrorCode,
    message: string,
    options?: ErrorOptions & { readonly reason?: RefusalReason },
  ) {
    super(message, options);
    this.code = code;
    this.reason = options?.reason;
  }
}

/** A GatewayError that says why a peer is turned away. `detail` adds what the reason's explanation lacks. */
export function refusal(reason: RefusalReason, detail?: string, cause?: unknown): GatewayError {
  return new GatewayError("GATEWAY_REFUSED", detail ?? refusalReasons[reason], {
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The codes with their meaning, for the reference documentation. */
export const gatewayErrorCodes: Readonly<Record<GatewayErrorCode, string>> = gatewayErrors;
