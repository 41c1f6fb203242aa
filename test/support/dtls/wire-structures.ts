import fc from "fast-check";
import { Alert } from "../../../dtls/wire/alert.ts";
import {
  Certificate,
  CertificateRequest,
  CertificateVerify,
  RawPublicKeyCertificate,
} from "../../../dtls/wire/certificate.ts";
import { Finished } from "../../../dtls/wire/finished.ts";
import {
  ClientHello,
  HelloRequest,
  HelloVerifyRequest,
  RawExtension,
  ServerHello,
  ServerHelloDone,
} from "../../../dtls/wire/hello.ts";
import {
  ClientKeyExchangeEcdhe,
  ClientKeyExchangeEcdhePsk,
  ClientKeyExchangePsk,
  ServerEcdhParams,
  ServerKeyExchangeEcdhe,
  ServerKeyExchangeEcdhePsk,
  ServerKeyExchangePsk,
} from "../../../dtls/wire/key-exchange.ts";
import { decode, encode, type Type } from "../../../dtls/wire/presentation.ts";
import { ReturnRoutabilityCheck } from "../../../dtls/wire/return-routability.ts";
import { NewSessionTicket } from "../../../dtls/wire/session-ticket.ts";
import { hex } from "./hex.ts";

/** A structure of dtls/wire as the tests need it, whatever its type is. */
export interface Structure {
  readonly name: string;
  readonly clause: string;
  readonly vectors: readonly Vector[];
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly decodeAndEncode: (bytes: Uint8Array) => Uint8Array;
  /** Any value, and its encoding. */
  readonly samples: fc.Arbitrary<{ readonly value: unknown; readonly bytes: Uint8Array }>;
}

interface Vector {
  readonly bytes: Uint8Array;
  readonly value: unknown;
  encode(): Uint8Array;
  /** Where the bytes may be cut and still be a whole value: before an optional end. */
  readonly wholeAt: readonly number[];
}

const uint8 = fc.integer({ min: 0, max: 2 ** 8 - 1 });
const uint16 = fc.integer({ min: 0, max: 2 ** 16 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const opaque = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const list = <T>(element: fc.Arbitrary<T>, minLength: number) =>
  fc.array(element, { minLength, maxLength: 12 });
const extensions = fc.option(list(fc.record({ extensionType: uint16, extensionData: opaque(0, 300) }), 0), {
  nil: undefined,
});
const random = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const point = fc.record({
  curveType: fc.constant(3),
  namedGroup: uint16,
  public: opaque(1, 255),
});

/** Each with bytes written by hand along its RFC. */
export const structures: readonly Structure[] = [
  structure("RFC 5246 §7.4.1.4", "Extension", RawExtension, {
    vectors: [
      ["0017 0000", { extensionType: 23, extensionData: hex("") }],
      ["ff01 0001 00", { extensionType: 0xff01, extensionData: hex("00") }],
    ],
    values: fc.record({ extensionType: uint16, extensionData: opaque(0, 300) }),
  }),
  structure("RFC 6347 §4.2.1", "ClientHello", ClientHello, {
    vectors: [
      [
        `fefd ${random} 00 00 0002 c0a8 01 00`,
        {
          clientVersion: 0xfefd,
          random: hex(random),
          sessionId: hex(""),
          cookie: hex(""),
          cipherSuites: [0xc0a8],
          compressionMethods: [0],
          extensions: undefined,
        },
      ],
      [
        `feff ${random} 02 aabb 03 c0c1c2 0004 c02b 00ff 02 0001 0008 0017 0000 0036 0000`,
        {
          clientVersion: 0xfeff,
          random: hex(random),
          sessionId: hex("aabb"),
          cookie: hex("c0c1c2"),
          cipherSuites: [0xc02b, 0x00ff],
          compressionMethods: [0, 1],
          extensions: [
            { extensionType: 23, extensionData: hex("") },
            { extensionType: 54, extensionData: hex("") },
          ],
        },
        [2 + 32 + 3 + 4 + 6 + 3],
      ],
      [
        `fefd ${random} 00 00 0002 c0a8 01 00 0000`,
        {
          clientVersion: 0xfefd,
          random: hex(random),
          sessionId: hex(""),
          cookie: hex(""),
          cipherSuites: [0xc0a8],
          compressionMethods: [0],
          extensions: [],
        },
        [2 + 32 + 1 + 1 + 4 + 2],
      ],
    ],
    values: fc.record({
      clientVersion: uint16,
      random: opaque(32, 32),
      sessionId: opaque(0, 32),
      cookie: opaque(0, 255),
      cipherSuites: list(uint16, 1),
      compressionMethods: list(uint8, 1),
      extensions,
    }),
  }),
  structure("RFC 5246 §7.4.1.3", "ServerHello", ServerHello, {
    vectors: [
      [
        `fefd ${random} 01 aa c02b 00`,
        {
          serverVersion: 0xfefd,
          random: hex(random),
          sessionId: hex("aa"),
          cipherSuite: 0xc02b,
          compressionMethod: 0,
          extensions: undefined,
        },
      ],
      [
        `fefd ${random} 00 ccac 00 0005 ff01 0001 00`,
        {
          serverVersion: 0xfefd,
          random: hex(random),
          sessionId: hex(""),
          cipherSuite: 0xccac,
          compressionMethod: 0,
          extensions: [{ extensionType: 0xff01, extensionData: hex("00") }],
        },
        [2 + 32 + 1 + 2 + 1],
      ],
    ],
    values: fc.record({
      serverVersion: uint16,
      random: opaque(32, 32),
      sessionId: opaque(0, 32),
      cipherSuite: uint16,
      compressionMethod: uint8,
      extensions,
    }),
  }),
  structure("RFC 6347 §4.2.1", "HelloVerifyRequest", HelloVerifyRequest, {
    vectors: [
      ["feff 04 01020304", { serverVersion: 0xfeff, cookie: hex("01020304") }],
      ["fefd 00", { serverVersion: 0xfefd, cookie: hex("") }],
    ],
    values: fc.record({ serverVersion: uint16, cookie: opaque(0, 255) }),
  }),
  structure("RFC 5246 §7.4.1.1", "HelloRequest", HelloRequest, {
    vectors: [["", {}]],
    values: fc.constant({}),
  }),
  structure("RFC 5246 §7.4.5", "ServerHelloDone", ServerHelloDone, {
    vectors: [["", {}]],
    values: fc.constant({}),
  }),
  structure("RFC 5246 §7.4.2", "Certificate", Certificate, {
    vectors: [
      ["000000", { certificateList: [] }],
      ["000009 000002 3000 000001 05", { certificateList: [hex("3000"), hex("05")] }],
    ],
    values: fc.record({ certificateList: list(opaque(1, 300), 0) }),
  }),
  structure("RFC 7250 §3", "raw public key", RawPublicKeyCertificate, {
    vectors: [["000003 300102", hex("300102")]],
    values: opaque(1, 300),
  }),
  structure("RFC 5246 §7.4.4", "CertificateRequest", CertificateRequest, {
    vectors: [
      [
        "01 40 0002 0403 0000",
        { certificateTypes: [64], supportedSignatureAlgorithms: [0x0403], certificateAuthorities: [] },
      ],
      [
        "02 4001 0004 0403 0401 0007 0002 3000 0001 30",
        {
          certificateTypes: [64, 1],
          supportedSignatureAlgorithms: [0x0403, 0x0401],
          certificateAuthorities: [hex("3000"), hex("30")],
        },
      ],
    ],
    values: fc.record({
      certificateTypes: list(uint8, 1),
      supportedSignatureAlgorithms: list(uint16, 1),
      certificateAuthorities: list(opaque(1, 100), 0),
    }),
  }),
  structure("RFC 5246 §7.4.8", "CertificateVerify", CertificateVerify, {
    vectors: [["0403 0003 300100", { algorithm: 0x0403, signature: hex("300100") }]],
    values: fc.record({ algorithm: uint16, signature: opaque(0, 300) }),
  }),
  structure("RFC 8422 §5.4", "ServerECDHParams", ServerEcdhParams, {
    vectors: [["03 001d 02 aabb", { curveType: 3, namedGroup: 29, public: hex("aabb") }]],
    values: point,
  }),
  structure("RFC 8422 §5.4", "ServerKeyExchange of ECDHE", ServerKeyExchangeEcdhe, {
    vectors: [
      [
        "03 0017 02 0401 0804 0002 beef",
        {
          params: { curveType: 3, namedGroup: 23, public: hex("0401") },
          algorithm: 0x0804,
          signature: hex("beef"),
        },
      ],
    ],
    values: fc.record({ params: point, algorithm: uint16, signature: opaque(0, 300) }),
  }),
  structure("RFC 4279 §2", "ServerKeyExchange of PSK", ServerKeyExchangePsk, {
    vectors: [["0004 68696e74", { pskIdentityHint: hex("68696e74") }]],
    values: fc.record({ pskIdentityHint: opaque(0, 300) }),
  }),
  structure("RFC 5489 §2", "ServerKeyExchange of ECDHE_PSK", ServerKeyExchangeEcdhePsk, {
    vectors: [
      [
        "0000 03 001d 02 aabb",
        {
          pskIdentityHint: hex(""),
          params: { curveType: 3, namedGroup: 29, public: hex("aabb") },
        },
      ],
    ],
    values: fc.record({ pskIdentityHint: opaque(0, 300), params: point }),
  }),
  structure("RFC 8422 §5.7", "ClientKeyExchange of ECDHE", ClientKeyExchangeEcdhe, {
    vectors: [["03 04aabb", { public: hex("04aabb") }]],
    values: fc.record({ public: opaque(1, 255) }),
  }),
  structure("RFC 4279 §2", "ClientKeyExchange of PSK", ClientKeyExchangePsk, {
    vectors: [["0006 70756d702d37", { pskIdentity: hex("70756d702d37") }]],
    values: fc.record({ pskIdentity: opaque(0, 300) }),
  }),
  structure("RFC 5489 §2", "ClientKeyExchange of ECDHE_PSK", ClientKeyExchangeEcdhePsk, {
    vectors: [["0002 7037 02 aabb", { pskIdentity: hex("7037"), public: hex("aabb") }]],
    values: fc.record({ pskIdentity: opaque(0, 300), public: opaque(1, 255) }),
  }),
  structure("RFC 5246 §7.4.9", "Finished", Finished, {
    vectors: [["000102030405060708090a0b", { verifyData: hex("000102030405060708090a0b") }]],
    values: fc.record({ verifyData: opaque(12, 12) }),
  }),
  structure("RFC 5077 §3.3", "NewSessionTicket", NewSessionTicket, {
    vectors: [
      ["fffffffe 0002 aabb", { ticketLifetimeHint: 0xfffffffe, ticket: hex("aabb") }],
      ["00000000 0000", { ticketLifetimeHint: 0, ticket: hex("") }],
    ],
    values: fc.record({ ticketLifetimeHint: uint32, ticket: opaque(0, 300) }),
  }),
  structure("RFC 5246 §7.2", "Alert", Alert, {
    vectors: [["02 2f", { level: 2, description: 47 }]],
    values: fc.record({ level: uint8, description: uint8 }),
  }),
  structure("RFC 9853 §4", "return_routability_check", ReturnRoutabilityCheck, {
    vectors: [
      ["00 0102030405060708", { msgType: 0, cookie: hex("0102030405060708") }],
      ["02 ffffffffffffffff", { msgType: 2, cookie: hex("ffffffffffffffff") }],
    ],
    values: fc.record({ msgType: fc.integer({ min: 0, max: 2 }), cookie: opaque(8, 8) }),
  }),
];

function structure<T>(
  clause: string,
  name: string,
  type: Type<T>,
  examples: {
    readonly vectors: readonly (readonly [bytes: string, value: T, wholeAt?: readonly number[]])[];
    readonly values: fc.Arbitrary<T>;
  },
): Structure {
  return {
    name,
    clause,
    vectors: examples.vectors.map(([bytes, value, wholeAt]) => {
      return { bytes: hex(bytes), value, wholeAt: wholeAt ?? [], encode: () => encode(type, value) };
    }),
    decode: (bytes) => decode(name, type, bytes),
    decodeAndEncode: (bytes) => encode(type, decode(name, type, bytes)),
    samples: examples.values.map((value) => ({ value, bytes: encode(type, value) })),
  };
}
