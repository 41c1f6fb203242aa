/** A ClientHello or ServerHello taken apart, so that somebody on the path can change it and put it together again. */
export interface Hello {
  /** legacy_version, client_version or server_version. */
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  /** Of a DTLS ClientHello alone. */
  readonly cookie: Uint8Array | undefined;
  /** Of a ServerHello one. */
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  /** Undefined: none at all. */
  readonly extensions: readonly HelloExtension[] | undefined;
}

interface HelloExtension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Numbers of IANA's registry that attacks of the path name. */
export const Extension = {
  serverName: 0,
  supportedGroups: 10,
  signatureAlgorithms: 13,
  extendedMasterSecret: 23,
  supportedVersions: 43,
  keyShare: 51,
  connectionId: 54,
  renegotiationInfo: 0xff01,
} as const;

/** RFC 8446 §4.1.2, RFC 6347 §4.2.1. Undefined for what is none. */
export function readClientHello(body: Uint8Array, hasCookie: boolean): Hello | undefined {
  const reader = new Reader(body);
  const version = reader.number(2);
  const random = reader.bytes(32);
  const sessionId = reader.vector(1);
  const cookie = hasCookie ? reader.vector(1) : undefined;
  const suites = reader.vector(2);
  const compressionMethods = reader.vector(1);
  const extensions = reader.extensions();
  if (reader.failed) return undefined;
  const cipherSuites = Array.from({ length: suites.length >> 1 }, (_, index) => uint16(suites, index * 2));
  return { version, random, sessionId, cookie, cipherSuites, compressionMethods, extensions };
}

/** RFC 8446 §4.1.3. Undefined for what is none. */
export function readServerHello(body: Uint8Array): Hello | undefined {
  const reader = new Reader(body);
  const version = reader.number(2);
  const random = reader.bytes(32);
  const sessionId = reader.vector(1);
  const cipherSuites = [reader.number(2)];
  const compressionMethods = reader.bytes(1);
  const extensions = reader.extensions();
  if (reader.failed) return undefined;
  return { version, random, sessionId, cookie: undefined, cipherSuites, compressionMethods, extensions };
}

/** The body of a ClientHello. */
export function clientHelloBody(hello: Hello): Uint8Array {
  return Buffer.concat([
    number(2, hello.version),
    hello.random,
    vector(1, hello.sessionId),
    ...(hello.cookie === undefined ? [] : [vector(1, hello.cookie)]),
    vector(2, Buffer.concat(hello.cipherSuites.map((suite) => number(2, suite)))),
    vector(1, hello.compressionMethods),
    extensionBytes(hello.extensions),
  ]);
}

/** The body of a ServerHello. */
export function serverHelloBody(hello: Hello): Uint8Array {
  return Buffer.concat([
    number(2, hello.version),
    hello.random,
    vector(1, hello.sessionId),
    number(2, hello.cipherSuites[0] ?? 0),
    hello.compressionMethods,
    extensionBytes(hello.extensions),
  ]);
}

export function extensionOf(hello: Hello, type: number): Uint8Array | undefined {
  return hello.extensions?.find((one) => one.type === type)?.data;
}

export function withoutExtension(hello: Hello, ...types: readonly number[]): Hello {
  return { ...hello, extensions: hello.extensions?.filter(({ type }) => !types.includes(type)) };
}

/** RFC 8446 §4.2.1: what a ServerHello settles on; the highest that a ClientHello offers. */
export function versionOf(hello: Hello): number {
  const versions = extensionOf(hello, Extension.supportedVersions);
  if (versions === undefined) return hello.version;
  if (versions.length === 2) return uint16(versions, 0);
  let highest = 0;
  for (let at = 1; at + 1 < versions.length; at += 2) {
    const version = uint16(versions, at);
    // RFC 8701: grease is no version.
    if (version <= 0x0304) highest = Math.max(highest, version);
  }
  return highest;
}

function extensionBytes(extensions: Hello["extensions"]): Uint8Array {
  if (extensions === undefined) return new Uint8Array();
  return vector(
    2,
    Buffer.concat(extensions.map(({ type, data }) => Buffer.concat([number(2, type), vector(2, data)]))),
  );
}

function vector(width: 1 | 2, content: Uint8Array): Uint8Array {
  return Buffer.concat([number(width, content.length), content]);
}

function number(width: 1 | 2, value: number): Uint8Array {
  return width === 1 ? Uint8Array.of(value) : Uint8Array.of(value >>> 8, value & 0xff);
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

/** Notes that something was missing instead of throwing: what passes need not be what it seems. */
class Reader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) this.failed = true;
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  number(width: 1 | 2): number {
    const bytes = this.bytes(width);
    return width === 1 ? (bytes[0] ?? 0) : uint16(bytes, 0);
  }

  vector(width: 1 | 2): Uint8Array {
    return this.bytes(this.number(width));
  }

  extensions(): HelloExtension[] | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const list = new Reader(this.vector(2));
    const extensions: HelloExtension[] = [];
    while (!list.failed && list.#at < list.#bytes.length) {
      extensions.push({ type: list.number(2), data: list.vector(2) });
    }
    if (list.failed || this.#at !== this.#bytes.length) this.failed = true;
    return extensions;
  }
}
