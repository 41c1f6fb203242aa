import {
  CertificateRequest as CertificateRequest12,
  Certificate as CertificateStruct12,
  CertificateVerify,
} from "../../dtls/wire/certificate.ts";
import { RawExtension, ServerHello } from "../../dtls/wire/hello.ts";
import {
  decode,
  encode,
  fixed,
  opaque,
  struct,
  type TypeOf,
  trailing,
  uint8,
  uint16,
  uint32,
  vector,
} from "../../dtls/wire/presentation.ts";
import { HandshakeType } from "./numbers.ts";

/**
 * The handshake messages of TLS 1.2 and 1.3 as values: `decode("ClientHello", ClientHello, body)`, `encode(...)`. What
 * they cannot express is written as bytes by hand, since a message is no more than its type and its body.
 */

export {
  CertificateRequest as CertificateRequest12,
  CertificateVerify,
} from "../../dtls/wire/certificate.ts";
export { RawExtension, ServerHello } from "../../dtls/wire/hello.ts";
export {
  ClientKeyExchangeEcdhe,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
} from "../../dtls/wire/key-exchange.ts";
export { decode, encode } from "../../dtls/wire/presentation.ts";

/** A handshake message, as a hook or a caller sends it. */
export interface MessageBody {
  readonly msgType: number;
  /** Without the header. */
  readonly body: Uint8Array;
}

/**
 * RFC 8446 §4.1.2, RFC 5246 §7.4.1.2
 *     struct {
 *         ProtocolVersion legacy_version = 0x0303;
 *         Random random;
 *         opaque legacy_session_id<0..32>;
 *         CipherSuite cipher_suites<2..2^16-2>;
 *         opaque legacy_compression_methods<1..2^8-1>;
 *         Extension extensions<8..2^16-1>;
 *     } ClientHello;
 */
export const ClientHello = struct({
  legacyVersion: uint16,
  random: fixed(32),
  sessionId: opaque(0, 32),
  cipherSuites: vector(uint16, 2, 2 ** 16 - 2),
  compressionMethods: vector(uint8, 1, 2 ** 8 - 1),
  extensions: trailing(vector(RawExtension, 0, 2 ** 16 - 1)),
});
export type ClientHello = TypeOf<typeof ClientHello>;

/** RFC 8446 §4.3.1: `struct { Extension extensions<0..2^16-1>; } EncryptedExtensions;` */
export const EncryptedExtensions = struct({ extensions: vector(RawExtension, 0, 2 ** 16 - 1) });

/**
 * RFC 8446 §4.4.2
 *     struct {
 *         opaque cert_data<1..2^24-1>;
 *         Extension extensions<0..2^16-1>;
 *     } CertificateEntry;
 *     struct {
 *         opaque certificate_request_context<0..2^8-1>;
 *         CertificateEntry certificate_list<0..2^24-1>;
 *     } Certificate;
 */
export const Certificate13 = struct({
  certificateRequestContext: opaque(0, 2 ** 8 - 1),
  certificateList: vector(
    struct({ certData: opaque(1, 2 ** 24 - 1), extensions: vector(RawExtension, 0, 2 ** 16 - 1) }),
    0,
    2 ** 24 - 1,
  ),
});

/**
 * RFC 8446 §4.3.2
 *     struct {
 *         opaque certificate_request_context<0..2^8-1>;
 *         Extension extensions<2..2^16-1>;
 *     } CertificateRequest;
 */
export const CertificateRequest13 = struct({
  certificateRequestContext: opaque(0, 2 ** 8 - 1),
  extensions: vector(RawExtension, 0, 2 ** 16 - 1),
});

/**
 * RFC 8446 §4.6.1
 *     struct {
 *         uint32 ticket_lifetime;
 *         uint32 ticket_age_add;
 *         opaque ticket_nonce<0..255>;
 *         opaque ticket<1..2^16-1>;
 *         Extension extensions<0..2^16-2>;
 *     } NewSessionTicket;
 */
export const NewSessionTicket13 = struct({
  ticketLifetime: uint32,
  ticketAgeAdd: uint32,
  ticketNonce: opaque(0, 255),
  ticket: opaque(1, 2 ** 16 - 1),
  extensions: vector(RawExtension, 0, 2 ** 16 - 1),
});

/**
 * RFC 5077 §3.3
 *     struct {
 *         uint32 ticket_lifetime_hint;
 *         opaque ticket<0..2^16-1>;
 *     } NewSessionTicket;
 */
export const NewSessionTicket12 = struct({ ticketLifetimeHint: uint32, ticket: opaque(0, 2 ** 16 - 1) });

// --- builders of whole messages ---

export function clientHello(hello: ClientHello): MessageBody {
  return { msgType: HandshakeType.client_hello, body: encode(ClientHello, hello) };
}

export function serverHello(hello: ServerHello): MessageBody {
  return { msgType: HandshakeType.server_hello, body: encode(ServerHello, hello) };
}

export function encryptedExtensions(extensions: readonly RawExtension[]): MessageBody {
  return { msgType: HandshakeType.encrypted_extensions, body: encode(EncryptedExtensions, { extensions }) };
}

/** RFC 5246 §7.4.2: leaf first; an empty list is how a client says that it has none. */
export function certificate12(chain: readonly Uint8Array[]): MessageBody {
  return {
    msgType: HandshakeType.certificate,
    body: encode(CertificateStruct12, { certificateList: chain }),
  };
}

export function certificate13(
  chain: readonly Uint8Array[],
  certificateRequestContext: Uint8Array = new Uint8Array(),
): MessageBody {
  const certificateList = chain.map((certData) => ({ certData, extensions: [] }));
  return {
    msgType: HandshakeType.certificate,
    body: encode(Certificate13, { certificateRequestContext, certificateList }),
  };
}

export function certificateVerify(algorithm: number, signature: Uint8Array): MessageBody {
  return {
    msgType: HandshakeType.certificate_verify,
    body: encode(CertificateVerify, { algorithm, signature }),
  };
}

export function certificateRequest12(request: TypeOf<typeof CertificateRequest12>): MessageBody {
  return { msgType: HandshakeType.certificate_request, body: encode(CertificateRequest12, request) };
}

export function certificateRequest13(request: TypeOf<typeof CertificateRequest13>): MessageBody {
  return { msgType: HandshakeType.certificate_request, body: encode(CertificateRequest13, request) };
}

export function serverHelloDone(): MessageBody {
  return { msgType: HandshakeType.server_hello_done, body: new Uint8Array() };
}

export function helloRequest(): MessageBody {
  return { msgType: HandshakeType.hello_request, body: new Uint8Array() };
}

export function finished(verifyData: Uint8Array): MessageBody {
  return { msgType: HandshakeType.finished, body: verifyData };
}

/** RFC 8446 §4.6.3 */
export function keyUpdate(requestUpdate: boolean): MessageBody {
  return { msgType: HandshakeType.key_update, body: Uint8Array.of(requestUpdate ? 1 : 0) };
}

/** The certificates of a Certificate message, leaf first. @throws DtlsError where it is malformed */
export function chainOf(version: "TLS 1.2" | "TLS 1.3", body: Uint8Array): readonly Uint8Array[] {
  if (version === "TLS 1.2") return decode("Certificate", CertificateStruct12, body).certificateList;
  return decode("Certificate", Certificate13, body).certificateList.map(({ certData }) => certData);
}

/** RFC 8446 §4: the four bytes of type and length before the body. */
export function withHeader({ msgType, body }: MessageBody): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  bytes[0] = msgType;
  bytes[1] = body.length >>> 16;
  bytes[2] = body.length >>> 8;
  bytes[3] = body.length;
  bytes.set(body, 4);
  return bytes;
}

// --- changes of hellos, for hooks ---

/** The body of a ClientHello with some of its fields replaced. */
export function editClientHello(
  body: Uint8Array,
  edit: (hello: ClientHello) => Partial<ClientHello>,
): Uint8Array {
  const hello = decode("ClientHello", ClientHello, body);
  return encode(ClientHello, { ...hello, ...edit(hello) });
}

export function editServerHello(
  body: Uint8Array,
  edit: (hello: ServerHello) => Partial<ServerHello>,
): Uint8Array {
  const hello = decode("ServerHello", ServerHello, body);
  return encode(ServerHello, { ...hello, ...edit(hello) });
}

/** The extensions without those of one type, or with that type's content replaced where it stands. */
export function withExtension(
  extensions: readonly RawExtension[] | undefined,
  extensionType: number,
  extensionData: Uint8Array | undefined,
): readonly RawExtension[] {
  const list = extensions ?? [];
  if (extensionData === undefined) return list.filter((other) => other.extensionType !== extensionType);
  if (!list.some((other) => other.extensionType === extensionType)) {
    return [...list, { extensionType, extensionData }];
  }
  return list.map((other) =>
    other.extensionType === extensionType ? { extensionType, extensionData } : other,
  );
}
