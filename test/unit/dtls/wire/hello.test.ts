import { describe, expect, test } from "vitest";
import { ClientHello, readClientHelloPrefix } from "../../../../dtls/wire/hello.ts";
import { encode } from "../../../../dtls/wire/presentation.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";

const random = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const before = `fefd ${random} 02 aabb`;
const cookie = "03 c0c1c2";
const after = "0004 c02b 00ff 01 00";
const extensions = "0008 0017 0000 0036 0000";
const prefix = {
  clientVersion: 0xfefd,
  random: hex(random),
  sessionId: hex("aabb"),
  cookie: hex("c0c1c2"),
  cipherSuites: [0xc02b, 0x00ff],
  compressionMethods: [0],
  beforeCookie: hex(before),
  afterCookie: hex(after),
};

describe("readClientHelloPrefix", () => {
  test("RFC 6347 §4.2.1: all that a cookie is made of is read of a whole ClientHello (R2, D4)", () => {
    expect(readClientHelloPrefix(hex(before + cookie + after + extensions))).toEqual(prefix);
    expect(readClientHelloPrefix(hex(before + cookie + after))).toEqual(prefix);
  });

  test("RFC 6347 §4.2.1: a ClientHello that is cut can be answered once compression_methods are there (R2, U5)", () => {
    const whole = hex(before + cookie + after + extensions);
    const enough = hex(before + cookie + after).length;
    for (let length = 0; length <= whole.length; length++) {
      const read = readClientHelloPrefix(whole.subarray(0, length));
      expect(read, `${length} bytes`).toEqual(length < enough ? undefined : prefix);
    }
  });

  test("nonsense in the extensions is not looked at yet: nothing is spent on it before the cookie (D1)", () => {
    expect(readClientHelloPrefix(hex(`${before}${cookie}${after} ffff 01`))).toEqual(prefix);
  });

  test("RFC 6347 §4.2.1: with and without a cookie the rest is the same bytes (R2.5, D4)", () => {
    const first = readClientHelloPrefix(hex(`${before} 00 ${after}`));
    expect(first).toEqual({ ...prefix, cookie: hex("") });
  });

  test.each([
    ["a session id of 33 bytes", `fefd ${random} 21 ${"aa".repeat(33)} 00 ${after}`],
    ["an odd length of cipher suites", `${before} 00 0003 c02b00 01 00`],
    ["no cipher suite", `${before} 00 0000 01 00`],
    ["no compression method", `${before} 00 0002 c02b 00`],
  ])("%s is a decode_error, not a hello without a cookie (D3, E5)", (_, bytes) => {
    expect(dtlsErrorCode(() => readClientHelloPrefix(hex(bytes)))).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 6347 §4.2.1: a cookie of 255 bytes is read (D3)", () => {
    const hello = {
      clientVersion: 0xfefd,
      random: hex(random),
      sessionId: hex(""),
      cookie: new Uint8Array(255).fill(7),
      cipherSuites: [0xc02b],
      compressionMethods: [0],
    };
    expect(readClientHelloPrefix(encode(ClientHello, hello))).toMatchObject(hello);
  });
});
