import fc from "fast-check";
import { expect, test } from "vitest";
import { putUint16, putUint24, putUint48, Reader, uint48At, Writer } from "../../../../dtls/wire/bytes.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";

test("RFC 5246 §4.1: numbers are read with the most significant byte first", () => {
  const reader = new Reader(hex("01 0203 040506 0708090a 0b0c0d0e0f10"), "numbers");
  expect(reader.uint8()).toBe(0x01);
  expect(reader.uint16()).toBe(0x0203);
  expect(reader.uint24()).toBe(0x040506);
  expect(reader.uint32()).toBe(0x0708090a);
  expect(reader.uint48()).toBe(0x0b0c0d0e0f10);
  expect(reader.remaining).toBe(0);
});

test("numbers with their highest bit set are not negative (F5)", () => {
  const reader = new Reader(hex("ff".repeat(16)), "numbers");
  expect(reader.uint8()).toBe(0xff);
  expect(reader.uint16()).toBe(0xffff);
  expect(reader.uint24()).toBe(0xffffff);
  expect(reader.uint32()).toBe(0xffffffff);
  expect(reader.uint48()).toBe(0xffffffffffff);
});

test.each([0, 2 ** 24 - 1, 2 ** 24, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 48 - 1])(
  "48 bits are exact, also around 2^32: %d (F5)",
  (value) => {
    const bytes = new Uint8Array(8);
    putUint48(bytes, 1, value);
    expect(uint48At(bytes, 1)).toBe(value);
    expect(BigInt(`0x${toHex(bytes.subarray(1, 7))}`)).toBe(BigInt(value));
    expect([bytes[0], bytes[7]]).toEqual([0, 0]);
  },
);

test("every number of 48 bits is written as BigInt writes it (F5)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (value) => {
      const bytes = new Uint8Array(6);
      putUint48(bytes, 0, value);
      expect(toHex(bytes)).toBe(value.toString(16).padStart(12, "0"));
      expect(uint48At(bytes, 0)).toBe(value);
    }),
  );
});

test("numbers are put at their place and nowhere else", () => {
  const bytes = new Uint8Array(9);
  putUint16(bytes, 1, 0xa1a2);
  putUint24(bytes, 4, 0xb1b2b3);
  expect(bytes).toEqual(hex("00 a1a2 00 b1b2b3 0000"));
});

test("a read past the end is a decode_error, of whatever width, and says of what structure (E5)", () => {
  const reader = () => new Reader(hex(""), "Finished");
  for (const read of [
    () => reader().uint8(),
    () => reader().uint16(),
    () => reader().uint24(),
    () => reader().uint32(),
    () => reader().uint48(),
    () => reader().bytes(1),
    () => reader().sub(1),
  ]) {
    expect(dtlsErrorCode(read)).toBe("DTLS_DECODE_ERROR");
    expect(read).toThrow(/^Finished: \d bytes wanted, 0 left$/);
  }
});

test("a reader of a part does not see what follows the part", () => {
  const reader = new Reader(hex("0102030405"), "parts");
  const part = reader.sub(2);
  expect(part.remaining).toBe(2);
  expect(part.uint16()).toBe(0x0102);
  expect(dtlsErrorCode(() => part.uint8())).toBe("DTLS_DECODE_ERROR");
  expect(reader.uint8()).toBe(3);
  expect(dtlsErrorCode(() => reader.end())).toBe("DTLS_DECODE_ERROR");
});

test("bytes are views: nothing is copied", () => {
  const bytes = hex("010203");
  const view = new Reader(bytes, "views").bytes(2);
  bytes[0] = 9;
  expect(view).toEqual(hex("0902"));
});

test("a writer grows, and patches what it left open", () => {
  const writer = new Writer();
  const length = writer.reserve(2);
  writer.bytes(new Uint8Array(1000).fill(7));
  writer.uint(0x010203, 3);
  writer.patch(length, writer.length - 2, 2);
  expect(writer.finish()).toEqual(hex(`03eb ${"07".repeat(1000)} 010203`));
});

test("a number that does not fit is our own mistake: a RangeError", () => {
  const writer = new Writer();
  for (const [value, width] of [
    [256, 1],
    [-1, 2],
    [2 ** 24, 3],
    [2 ** 32, 4],
    [1.5, 1],
    [Number.NaN, 1],
  ] as const) {
    expect(() => writer.uint(value, width)).toThrow(RangeError);
  }
});
