import { describe, expect, test } from "vitest";
import { dtlsRecord, recordsIn, wholeMessage } from "../../../../mitm/path/datagram-record.ts";
import {
  clientHelloBody,
  Extension,
  extensionOf,
  type Hello,
  readClientHello,
  readServerHello,
  serverHelloBody,
  versionOf,
  withoutExtension,
} from "../../../../mitm/path/hello.ts";
import { helloIn, rewriteDtlsClientHello, rewriteTlsHello } from "../../../../mitm/path/rewrite-hello.ts";
import { handshakeBytes, RecordReader, tlsRecord } from "../../../../mitm/path/tls-record.ts";

const hello: Hello = {
  version: 0x0303,
  random: new Uint8Array(32).fill(7),
  sessionId: Uint8Array.of(1, 2),
  cookie: undefined,
  cipherSuites: [0x1301, 0xc02b],
  compressionMethods: Uint8Array.of(0),
  extensions: [
    { type: Extension.supportedVersions, data: Uint8Array.of(4, 3, 4, 3, 3) },
    { type: Extension.extendedMasterSecret, data: new Uint8Array() },
  ],
};

const recordOf = (bytes: Uint8Array) => {
  const [record] = new RecordReader("device").push(bytes);
  if (record === undefined) throw new Error("no record");
  return record;
};

describe("a ClientHello", () => {
  test("comes out as it went in, over TLS and over DTLS", () => {
    const read = readClientHello(clientHelloBody(hello), false);
    expect(read).toMatchObject({ version: 0x0303, cipherSuites: [0x1301, 0xc02b], cookie: undefined });
    expect(read && clientHelloBody(read)).toEqual(clientHelloBody(hello));
    const withCookie = { ...hello, cookie: Uint8Array.of(9, 9, 9) };
    expect([...(readClientHello(clientHelloBody(withCookie), true)?.cookie ?? [])]).toEqual([9, 9, 9]);
  });

  test("may have no extensions at all", () => {
    const bare = { ...hello, extensions: undefined };
    expect(readClientHello(clientHelloBody(bare), false)?.extensions).toBeUndefined();
  });

  test("that is cut off, or goes on too long, is none", () => {
    const body = clientHelloBody(hello);
    for (const length of [0, 10, 40, body.length - 1]) {
      expect(readClientHello(body.subarray(0, length), false)).toBeUndefined();
    }
    expect(readClientHello(Buffer.concat([body, Uint8Array.of(0)]), false)).toBeUndefined();
  });

  test("offers the version that supported_versions says, grease aside", () => {
    expect(versionOf(hello)).toBe(0x0304);
    expect(versionOf(withoutExtension(hello, Extension.supportedVersions))).toBe(0x0303);
    const greased = { ...hello, extensions: [{ type: 43, data: Uint8Array.of(4, 0x8a, 0x8a, 3, 3) }] };
    expect(versionOf(greased)).toBe(0x0303);
  });
});

test("a ServerHello comes out as it went in", () => {
  const answer = { ...hello, cipherSuites: [0xc02b] };
  expect(serverHelloBody(readServerHello(serverHelloBody(answer)) ?? hello)).toEqual(serverHelloBody(answer));
});

describe("a hello on its way", () => {
  test("is changed in its record, and what follows it stays", () => {
    const rest = handshakeBytes(11, Uint8Array.of(1, 2, 3));
    const fragment = Buffer.concat([handshakeBytes(1, clientHelloBody(hello)), rest]);
    const changed = rewriteTlsHello(recordOf(tlsRecord(22, fragment, 0x0301)), (one) =>
      withoutExtension(one, Extension.supportedVersions),
    );
    const record = recordOf(changed ?? new Uint8Array());
    expect(record.what).toBe("ClientHello, Certificate");
    expect(record.version).toBe(0x0301);
    const seen = helloIn(record);
    expect(seen && extensionOf(seen, Extension.supportedVersions)).toBeUndefined();
    expect(seen && extensionOf(seen, Extension.extendedMasterSecret)).toHaveLength(0);
    expect(Buffer.from(record.fragment).subarray(-rest.length)).toEqual(rest);
  });

  test("is left alone where there is none", () => {
    expect(rewriteTlsHello(recordOf(tlsRecord(23, new Uint8Array(30))), (one) => one)).toBeUndefined();
  });

  test("is changed in a datagram, in its own handshake message", () => {
    const body = clientHelloBody({ ...hello, cookie: new Uint8Array() });
    const datagram = dtlsRecord({ type: 22, epoch: 0, sequence: 4 }, wholeMessage(1, 1, body));
    const changed = rewriteDtlsClientHello(recordsIn(datagram, 0), (one) => ({
      ...one,
      cipherSuites: [0xc0ac],
    }));
    const [record] = recordsIn(changed ?? new Uint8Array(), 0);
    expect(record).toMatchObject({ sequence: 4, epoch: 0 });
    expect(readClientHello(record?.fragment.subarray(12) ?? body, true)?.cipherSuites).toEqual([0xc0ac]);
    expect(rewriteDtlsClientHello(recordsIn(changed ?? body, 0).slice(1), (one) => one)).toBeUndefined();
  });
});
