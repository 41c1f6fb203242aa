import { uint8At, uint16At } from "./bytes.ts";
import {
  decode,
  fixed,
  opaque,
  struct,
  type TypeOf,
  trailing,
  uint8,
  uint16,
  vector,
} from "./presentation.ts";

/**
 * RFC 5246 §7.4.1.4
 *     struct {
 *       ExtensionType extension_type;
 *       opaque extension_data<0..2^16-1>;
 *     } Extension;
 */
export const RawExtension = struct({
  extensionType: uint16,
  extensionData: opaque(0, 2 ** 16 - 1),
});
export type RawExtension = TypeOf<typeof RawExtension>;

/** RFC 5246 §7.4.1.2: `select (extensions_present)`: no field at all when there are none. */
const extensions = trailing(vector(RawExtension, 0, 2 ** 16 - 1));

const beforeExtensions = {
  clientVersion: uint16,
  random: fixed(32),
  sessionId: opaque(0, 32),
  cookie: opaque(0, 2 ** 8 - 1),
  cipherSuites: vector(uint16, 2, 2 ** 16 - 2),
  compressionMethods: vector(uint8, 1, 2 ** 8 - 1),
};

/**
 * RFC 6347 §4.2.1
 *     struct {
 *       ProtocolVersion client_version;
 *       Random random;
 *       SessionID session_id;
 *       opaque cookie<0..2^8-1>;
 *       CipherSuite cipher_suites<2..2^16-2>;
 *       CompressionMethod compression_methods<1..2^8-1>;
 *       select (extensions_present) { ... Extension extensions<0..2^16-1>; };
 *     } ClientHello;
 */
export const ClientHello = struct({ ...beforeExtensions, extensions });
export type ClientHello = TypeOf<typeof ClientHello>;

/**
 * RFC 5246 §7.4.1.3
 *     struct {
 *       ProtocolVersion server_version;
 *       Random random;
 *       SessionID session_id;
 *       CipherSuite cipher_suite;
 *       CompressionMethod compression_method;
 *       select (extensions_present) { ... Extension extensions<0..2^16-1>; };
 *     } ServerHello;
 */
export const ServerHello = struct({
  serverVersion: uint16,
  random: fixed(32),
  sessionId: opaque(0, 32),
  cipherSuite: uint16,
  compressionMethod: uint8,
  extensions,
});
export type ServerHello = TypeOf<typeof ServerHello>;

/**
 * RFC 6347 §4.2.1
 *     struct {
 *       ProtocolVersion server_version;
 *       opaque cookie<0..2^8-1>;
 *     } HelloVerifyRequest;
 */
export const HelloVerifyRequest = struct({
  serverVersion: uint16,
  cookie: opaque(0, 2 ** 8 - 1),
});
export type HelloVerifyRequest = TypeOf<typeof HelloVerifyRequest>;

/** RFC 5246 §7.4.1.1, §7.4.5: `struct { }` */
export const HelloRequest = struct({});
export const ServerHelloDone = struct({});

const ClientHelloPrefix = struct(beforeExtensions);

/** All of a ClientHello but its extensions. */
export type ClientHelloPrefix = TypeOf<typeof ClientHelloPrefix> & {
  /** client_version, random and session_id as they came: with `afterCookie` all that a cookie binds. */
  readonly beforeCookie: Uint8Array;
  /** cipher_suites and compression_methods as they came. */
  readonly afterCookie: Uint8Array;
};

/**
 * The start of a ClientHello whose first fragment may be cut within the extensions, so that a cookie is answered and
 * checked before anything is kept. Undefined when it is cut earlier; throws when what is there is malformed.
 */
export function readClientHelloPrefix(bytes: Uint8Array): ClientHelloPrefix | undefined {
  const sessionIdAt = 2 + 32;
  const cookieAt = vectorEnd(bytes, sessionIdAt, 1);
  const cipherSuitesAt = vectorEnd(bytes, cookieAt, 1);
  const end = vectorEnd(bytes, vectorEnd(bytes, cipherSuitesAt, 2), 1);
  if (end > bytes.length) return undefined;
  return {
    ...decode("ClientHello", ClientHelloPrefix, bytes.subarray(0, end)),
    beforeCookie: bytes.subarray(0, cookieAt),
    afterCookie: bytes.subarray(cipherSuitesAt, end),
  };
}

/** Where the vector that begins at `offset` ends; infinity when its length is not there. */
function vectorEnd(bytes: Uint8Array, offset: number, width: 1 | 2): number {
  if (offset + width > bytes.length) return Number.POSITIVE_INFINITY;
  return offset + width + (width === 1 ? uint8At(bytes, offset) : uint16At(bytes, offset));
}
