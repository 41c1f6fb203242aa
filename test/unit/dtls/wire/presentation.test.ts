import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checked,
  decode,
  encode,
  fixed,
  mapped,
  opaque,
  struct,
  type Type,
  trailing,
  uint8,
  uint16,
  uint24,
  uint32,
  vector,
} from "../../../../dtls/wire/presentation.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";

function refusalOf<T>(type: Type<T>, bytes: string) {
  return dtlsErrorCode(() => decode("it", type, hex(bytes)));
}

describe("vectors and opaques", () => {
  test.each([
    [255, "01 aa"],
    [256, "0001 aa"],
    [65535, "0001 aa"],
    [65536, "000001 aa"],
    [2 ** 24 - 1, "000001 aa"],
  ])("RFC 5246 §4.3: the length takes as many bytes as the ceiling %d needs", (max, bytes) => {
    expect(encode(opaque(0, max), hex("aa"))).toEqual(hex(bytes));
    expect(encode(vector(uint8, 0, max), [0xaa])).toEqual(hex(bytes));
    expect(decode("it", opaque(0, max), hex(bytes))).toEqual(hex("aa"));
    expect(decode("it", vector(uint8, 0, max), hex(bytes))).toEqual([0xaa]);
  });

  test("RFC 5246 §4.3: less than the floor or more than the ceiling is a decode_error (E5)", () => {
    const type = opaque(2, 4);
    expect(refusalOf(type, "01 aa")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(type, "02 aabb")).toBeUndefined();
    expect(refusalOf(type, "04 aabbccdd")).toBeUndefined();
    expect(refusalOf(type, "05 aabbccddee")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(vector(uint8, 2, 4), "01 aa")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(vector(uint8, 2, 4), "05 aabbccddee")).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 5246 §4.3: a length that is no multiple of the element is a decode_error, not a loop (E5)", () => {
    expect(refusalOf(vector(uint16, 0, 65535), "0003 000102")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(vector(uint24, 0, 255), "04 00010203")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(vector(uint32, 0, 255), "03 000102")).toBe("DTLS_DECODE_ERROR");
    expect(refusalOf(vector(opaque(0, 255), 0, 255), "02 02aa")).toBe("DTLS_DECODE_ERROR");
  });

  test("an element that takes no byte ends the reading (E5)", () => {
    expect(refusalOf(vector(struct({}), 0, 255), "01 aa")).toBe("DTLS_DECODE_ERROR");
  });

  test("an element cannot read what follows its vector (E5)", () => {
    const type = struct({ list: vector(opaque(0, 255), 0, 255), next: uint16 });
    expect(refusalOf(type, "01 02 aabb")).toBe("DTLS_DECODE_ERROR");
    expect(decode("it", type, hex("02 01aa bbcc"))).toEqual({ list: [hex("aa")], next: 0xbbcc });
  });

  test("a list of 32767 elements is read, in time (E5)", () => {
    const bytes = new Uint8Array(2 + 65534);
    bytes.set([0xff, 0xfe]);
    expect(decode("it", vector(uint16, 0, 65535), bytes)).toHaveLength(32767);
  });

  test("what we write is held to the same bounds: a RangeError", () => {
    expect(() => encode(opaque(1, 4), hex(""))).toThrow(RangeError);
    expect(() => encode(opaque(1, 4), hex("0102030405"))).toThrow(RangeError);
    expect(() => encode(vector(uint16, 2, 4), [])).toThrow(RangeError);
    expect(() => encode(vector(uint16, 2, 4), [1, 2, 3])).toThrow(RangeError);
    expect(() => encode(fixed(2), hex("01"))).toThrow(RangeError);
    expect(() => encode(uint8, 256)).toThrow(RangeError);
  });
});

describe("structures", () => {
  const type = struct({
    first: uint8,
    inner: struct({ second: uint16, third: fixed(2) }),
    last: trailing(vector(uint8, 0, 255)),
  });

  test("RFC 5246 §4.5.1: the fields stand one after the other", () => {
    const value = { first: 1, inner: { second: 0x0203, third: hex("0405") }, last: [6] };
    expect(encode(type, value)).toEqual(hex("01 0203 0405 01 06"));
    expect(decode("it", type, hex("01 0203 0405 01 06"))).toEqual(value);
  });

  test("an end that may be left out is undefined when there is no byte left, and empty when it is there", () => {
    const { first, inner } = { first: 1, inner: { second: 2, third: hex("0000") } };
    expect(decode("it", type, hex("01 0002 0000"))).toEqual({ first, inner, last: undefined });
    expect(decode("it", type, hex("01 0002 0000 00"))).toEqual({ first, inner, last: [] });
    expect(encode(type, { first, inner })).toEqual(hex("01 0002 0000"));
    expect(encode(type, { first, inner, last: undefined })).toEqual(hex("01 0002 0000"));
    expect(encode(type, { first, inner, last: [] })).toEqual(hex("01 0002 0000 00"));
  });

  test("bytes left over are a decode_error that names the structure (E5)", () => {
    expect(refusalOf(struct({ only: uint8 }), "0102")).toBe("DTLS_DECODE_ERROR");
    expect(() => decode("Alert", uint8, hex("0102"))).toThrow("Alert: 1 bytes too many");
  });
});

test("values are translated, and checked in both directions", () => {
  const even = checked(uint8, (value) => {
    if (value % 2 === 1) throw new RangeError("odd");
  });
  const text = mapped(even, String, Number);
  expect(decode("it", text, hex("04"))).toBe("4");
  expect(encode(text, "4")).toEqual(hex("04"));
  expect(() => decode("it", text, hex("05"))).toThrow("odd");
  expect(() => encode(text, "5")).toThrow("odd");
});

test("numbers of every width are read back", () => {
  const widths = [
    [uint8, 8],
    [uint16, 16],
    [uint24, 24],
    [uint32, 32],
  ] as const;
  for (const [type, bits] of widths) {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** bits - 1 }), (value) => {
        const bytes = encode(type, value);
        expect(bytes).toHaveLength(bits / 8);
        expect(decode("it", type, bytes)).toBe(value);
      }),
    );
  }
});
