/** The numbers of IANA's registries that this folder knows, under their names there. */

/** RFC 5246 §6.2.1, RFC 9146 §4, RFC 9853 §4 */
export const ContentType = {
  change_cipher_spec: 20,
  alert: 21,
  handshake: 22,
  application_data: 23,
  tls12_cid: 25,
  return_routability_check: 27,
} as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];

/** RFC 6347 §4.1: the ones' complement of the TLS versions. DTLS 1.0 stands in hellos only, and is never spoken. */
export const ProtocolVersion = {
  DTLS_1_0: 0xfeff,
  DTLS_1_2: 0xfefd,
} as const;
export type ProtocolVersion = (typeof ProtocolVersion)[keyof typeof ProtocolVersion];

/** RFC 6347 §4.3.2, RFC 5077 §3.3 */
export const HandshakeType = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  hello_verify_request: 3,
  new_session_ticket: 4,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
} as const;
export type HandshakeType = (typeof HandshakeType)[keyof typeof HandshakeType];

export const CipherSuite = {
  // RFC 5487
  TLS_PSK_WITH_AES_128_GCM_SHA256: 0x00a8,
  TLS_PSK_WITH_AES_256_GCM_SHA384: 0x00a9,
  // RFC 5746 §3.3: no suite, but a signal
  TLS_EMPTY_RENEGOTIATION_INFO_SCSV: 0x00ff,
  // RFC 5289
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 0xc02b,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 0xc02c,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 0xc02f,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 0xc030,
  // RFC 6655
  TLS_PSK_WITH_AES_128_CCM: 0xc0a4,
  TLS_PSK_WITH_AES_256_CCM: 0xc0a5,
  TLS_PSK_WITH_AES_128_CCM_8: 0xc0a8,
  TLS_PSK_WITH_AES_256_CCM_8: 0xc0a9,
  // RFC 7251
  TLS_ECDHE_ECDSA_WITH_AES_128_CCM: 0xc0ac,
  TLS_ECDHE_ECDSA_WITH_AES_256_CCM: 0xc0ad,
  TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8: 0xc0ae,
  TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8: 0xc0af,
  // RFC 7905
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca8,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 0xcca9,
  TLS_PSK_WITH_CHACHA20_POLY1305_SHA256: 0xccab,
  TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256: 0xccac,
  // RFC 8442
  TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256: 0xd001,
  TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384: 0xd002,
  TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256: 0xd003,
  TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256: 0xd005,
} as const;
export type CipherSuite = (typeof CipherSuite)[keyof typeof CipherSuite];

export const CompressionMethod = { null: 0 } as const;
export type CompressionMethod = (typeof CompressionMethod)[keyof typeof CompressionMethod];

/** RFC 8422 §5.1.1 */
export const NamedGroup = {
  secp256r1: 23,
  secp384r1: 24,
  x25519: 29,
} as const;
export type NamedGroup = (typeof NamedGroup)[keyof typeof NamedGroup];

/** RFC 8422 §5.4: curves spelled out by a peer are not used. */
export const ECCurveType = { named_curve: 3 } as const;
export type ECCurveType = (typeof ECCurveType)[keyof typeof ECCurveType];

/** RFC 8422 §5.1.2 */
export const ECPointFormat = { uncompressed: 0 } as const;
export type ECPointFormat = (typeof ECPointFormat)[keyof typeof ECPointFormat];

/** RFC 8446 §4.2.3; in (D)TLS 1.2 the same two bytes are SignatureAndHashAlgorithm (RFC 5246 §7.4.1.4.1). */
export const SignatureScheme = {
  rsa_pkcs1_sha256: 0x0401,
  rsa_pkcs1_sha384: 0x0501,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_secp256r1_sha256: 0x0403,
  ecdsa_secp384r1_sha384: 0x0503,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
  ed25519: 0x0807,
} as const;
export type SignatureScheme = (typeof SignatureScheme)[keyof typeof SignatureScheme];

export const ExtensionType = {
  server_name: 0,
  max_fragment_length: 1,
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  application_layer_protocol_negotiation: 16,
  client_certificate_type: 19,
  server_certificate_type: 20,
  extended_master_secret: 23,
  record_size_limit: 28,
  session_ticket: 35,
  connection_id: 54,
  rrc: 61,
  renegotiation_info: 0xff01,
} as const;
export type ExtensionType = (typeof ExtensionType)[keyof typeof ExtensionType];

/** RFC 6066 §3 */
export const NameType = { host_name: 0 } as const;
export type NameType = (typeof NameType)[keyof typeof NameType];

/** RFC 7250 §7 */
export const CertificateType = { X509: 0, RawPublicKey: 2 } as const;
export type CertificateType = (typeof CertificateType)[keyof typeof CertificateType];

/** RFC 5246 §7.4.4, RFC 8422 §5.5 */
export const ClientCertificateType = { rsa_sign: 1, ecdsa_sign: 64 } as const;
export type ClientCertificateType = (typeof ClientCertificateType)[keyof typeof ClientCertificateType];

/** RFC 5246 §7.2 */
export const AlertLevel = { warning: 1, fatal: 2 } as const;
export type AlertLevel = (typeof AlertLevel)[keyof typeof AlertLevel];

/** RFC 5246 §7.2, RFC 6066 §9, RFC 4279 §6, RFC 7301 §3.2, RFC 8446 §6 */
export const AlertDescription = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  decryption_failed: 21,
  record_overflow: 22,
  decompression_failure: 30,
  handshake_failure: 40,
  no_certificate: 41,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  too_many_cids_requested: 52,
  export_restriction: 60,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  certificate_unobtainable: 111,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  bad_certificate_hash_value: 114,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const;
export type AlertDescription = (typeof AlertDescription)[keyof typeof AlertDescription];

/** RFC 9853 §4 */
export const ReturnRoutabilityMessageType = {
  path_challenge: 0,
  path_response: 1,
  path_drop: 2,
} as const;
export type ReturnRoutabilityMessageType =
  (typeof ReturnRoutabilityMessageType)[keyof typeof ReturnRoutabilityMessageType];

/** For messages and counters: the name of `value` in one of the tables above. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  for (const [name, known] of Object.entries(table)) if (known === value) return name;
  return `unknown(0x${value.toString(16).padStart(4, "0")})`;
}
