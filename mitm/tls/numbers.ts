import { CipherSuite, ExtensionType as SharedExtensionType } from "../../dtls/wire/registry.ts";

/** The numbers of TLS that DTLS 1.2 does not have; the others are those of `dtls/wire/registry.ts`. */

export {
  AlertDescription,
  AlertLevel,
  ContentType,
  NamedGroup,
  nameOf,
  SignatureScheme,
} from "../../dtls/wire/registry.ts";

export type TlsVersion = "TLS 1.2" | "TLS 1.3";

/** RFC 8446 §4.2.1, RFC 5246 appendix E */
export const ProtocolVersion = {
  SSL_3_0: 0x0300,
  TLS_1_0: 0x0301,
  TLS_1_1: 0x0302,
  TLS_1_2: 0x0303,
  TLS_1_3: 0x0304,
} as const;

/** RFC 8446 §4, RFC 5246 §7.4 */
export const HandshakeType = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  end_of_early_data: 5,
  encrypted_extensions: 8,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
  certificate_status: 22,
  key_update: 24,
  compressed_certificate: 25,
  message_hash: 254,
} as const;

/** RFC 8446 §4.2 and IANA's registry. */
export const ExtensionType = {
  ...SharedExtensionType,
  status_request: 5,
  compress_certificate: 27,
  pre_shared_key: 41,
  early_data: 42,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  certificate_authorities: 47,
  post_handshake_auth: 49,
  signature_algorithms_cert: 50,
  key_share: 51,
} as const;

/** RFC 8446 §B.4, and what TLS 1.2 has in common with DTLS 1.2. */
export const TlsCipherSuite = {
  ...CipherSuite,
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  TLS_AES_128_CCM_SHA256: 0x1304,
  /** RFC 7507 §2: no suite, but a signal. */
  TLS_FALLBACK_SCSV: 0x5600,
} as const;

/** RFC 8446 §4.2.9 */
export const PskKeyExchangeMode = { psk_ke: 0, psk_dhe_ke: 1 } as const;

/** RFC 8446 §4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
export const helloRetryRequestRandom: Uint8Array = Buffer.from(
  "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c",
  "hex",
);

/** RFC 8446 §4.1.3: the last 8 bytes of ServerHello.random of who speaks 1.3 (or 1.2) and was not asked to. */
export const downgradeSentinel = {
  toTls12: Buffer.from("444f574e47524401", "hex"),
  toTls11: Buffer.from("444f574e47524400", "hex"),
} as const;

const handshakeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(HandshakeType).map(([name, type]) => [type, rfcName(name)]),
);

/** "ClientHello" for 1; "handshake message 77" for what no RFC has. */
export function handshakeName(msgType: number): string {
  return handshakeNames.get(msgType) ?? `handshake message ${msgType}`;
}

function rfcName(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
