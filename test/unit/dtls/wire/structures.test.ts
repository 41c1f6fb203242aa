import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";
import { structures } from "../../../support/dtls/wire-structures.ts";

for (const { clause, name, vectors, samples, decode, decodeAndEncode } of structures) {
  describe(`${clause}: ${name}`, () => {
    test.each(vectors)(
      `${clause}: ${name} is read and written as the RFC lays it out, vector %#`,
      (vector) => {
        expect(decode(vector.bytes)).toEqual(vector.value);
        expect(vector.encode()).toEqual(vector.bytes);
      },
    );

    test(`${clause}: ${name}: what was written is read back`, () => {
      fc.assert(
        fc.property(samples, ({ value, bytes }) => {
          expect(decode(bytes)).toEqual(value);
          expect(decodeAndEncode(bytes)).toEqual(bytes);
        }),
      );
    });

    test(`${clause}: ${name}: every proper prefix is a decode_error (D3, E5)`, () => {
      for (const { bytes, wholeAt } of vectors) {
        for (let length = 0; length < bytes.length; length++) {
          const refused = wholeAt.includes(length) ? undefined : "DTLS_DECODE_ERROR";
          expect(
            dtlsErrorCode(() => decode(bytes.subarray(0, length))),
            `${length} bytes`,
          ).toBe(refused);
        }
      }
    });

    test(`${clause}: ${name}: a byte too many is a decode_error (E5)`, () => {
      for (const { bytes } of vectors) {
        expect(dtlsErrorCode(() => decode(new Uint8Array([...bytes, 0])))).toBe("DTLS_DECODE_ERROR");
      }
    });
  });
}

function refusalOf(name: string, bytes: string) {
  const structure = structures.find((structure) => structure.name === name);
  return dtlsErrorCode(() => structure?.decode(hex(bytes)));
}

const random = "00".repeat(32);

test("RFC 6347 §4.2.1: cipher suites of an odd length, or none, are a decode_error (E5)", () => {
  expect(refusalOf("ClientHello", `fefd ${random} 00 00 0003 c0a8c0 01 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `fefd ${random} 00 00 0001 c0 01 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `fefd ${random} 00 00 0000 01 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `fefd ${random} 00 00 0002 c0a8 01 00`)).toBeUndefined();
});

test("RFC 5246 §7.4.1.2: no compression method at all is a decode_error (R5.5, E5)", () => {
  expect(refusalOf("ClientHello", `fefd ${random} 00 00 0002 c0a8 00`)).toBe("DTLS_DECODE_ERROR");
});

test("RFC 5246 §7.4.1.2: a session id longer than 32 bytes is a decode_error (E5)", () => {
  expect(refusalOf("ClientHello", `fefd ${random} 21 ${"aa".repeat(33)} 00 0002 c0a8 01 00`)).toBe(
    "DTLS_DECODE_ERROR",
  );
  expect(refusalOf("ServerHello", `fefd ${random} 21 ${"aa".repeat(33)} c02b 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ServerHello", `fefd ${random} 20 ${"aa".repeat(32)} c02b 00`)).toBeUndefined();
});

test("RFC 6347 §4.2.1: a cookie has at most 255 bytes, and its length is not to be trusted (D3)", () => {
  expect(
    refusalOf("ClientHello", `fefd ${random} 00 ff ${"cc".repeat(255)} 0002 c0a8 01 00`),
  ).toBeUndefined();
  expect(refusalOf("ClientHello", `fefd ${random} 00 ff ${"cc".repeat(254)}`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("HelloVerifyRequest", `fefd ff ${"cc".repeat(254)}`)).toBe("DTLS_DECODE_ERROR");
});

test("RFC 5246 §7.4.1.4: extensions that go beyond their hello, or beyond their list, are a decode_error (E5)", () => {
  const hello = `fefd ${random} 00 00 0002 c0a8 01 00`;
  expect(refusalOf("ClientHello", `${hello} 0005 0017 0000`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `${hello} 0004 0017 0001 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `${hello} 0003 0017 00`)).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ClientHello", `${hello} 0004 0017 0000`)).toBeUndefined();
});

test("RFC 5246 §7.4.2: an empty certificate in the list is a decode_error, an empty list is not (R7)", () => {
  expect(refusalOf("Certificate", "000003 000000")).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("Certificate", "000000")).toBeUndefined();
  expect(refusalOf("raw public key", "000000")).toBe("DTLS_DECODE_ERROR");
});

test("RFC 5246 §7.4.4: a CertificateRequest without types or algorithms is a decode_error (R7, E5)", () => {
  expect(refusalOf("CertificateRequest", "00 0002 0403 0000")).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("CertificateRequest", "01 40 0000 0000")).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("CertificateRequest", "01 40 0003 040304 0000")).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("CertificateRequest", "01 40 0002 0403 0002 0000")).toBe("DTLS_DECODE_ERROR");
});

test("RFC 8422 §5.4: an empty point is a decode_error (R6)", () => {
  expect(refusalOf("ClientKeyExchange of ECDHE", "00")).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("ServerECDHParams", "03 001d 00")).toBe("DTLS_DECODE_ERROR");
});

test("RFC 8422 §5.4: a curve spelled out by the peer is an illegal_parameter (R6)", () => {
  for (const curveType of ["00", "01", "02", "04", "ff"]) {
    expect(refusalOf("ServerECDHParams", `${curveType} 001d 02 aabb`)).toBe("DTLS_ILLEGAL_PARAMETER");
  }
});

test("RFC 4279 §5.3: identities up to 65535 bytes can be read (R6)", () => {
  expect(refusalOf("ClientKeyExchange of PSK", `0080 ${"aa".repeat(128)}`)).toBeUndefined();
  expect(refusalOf("ClientKeyExchange of PSK", `ffff ${"aa".repeat(65535)}`)).toBeUndefined();
});

test("RFC 5246 §7.4.9: verify_data of another length is a decode_error (R8)", () => {
  expect(refusalOf("Finished", "aa".repeat(11))).toBe("DTLS_DECODE_ERROR");
  expect(refusalOf("Finished", "aa".repeat(13))).toBe("DTLS_DECODE_ERROR");
});

test("RFC 9853 §4: a message of an unknown type is read, so that it can be ignored (R12)", () => {
  const structure = structures.find(({ name }) => name === "return_routability_check");
  expect(structure?.decode(hex("03"))).toEqual({ msgType: 3, cookie: hex("") });
  expect(structure?.decode(hex("fe 0102 03"))).toEqual({ msgType: 0xfe, cookie: hex("010203") });
  expect(structure?.decodeAndEncode(hex("fe 010203"))).toEqual(hex("fe010203"));
});

test("RFC 9853 §4: a cookie that is not of 8 bytes is a decode_error (R12)", () => {
  for (const type of ["00", "01", "02"]) {
    expect(refusalOf("return_routability_check", `${type} ${"aa".repeat(7)}`)).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf("return_routability_check", `${type} ${"aa".repeat(9)}`)).toBe("DTLS_DECODE_ERROR");
  }
});
