import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeObjectIdentifier } from "../../../../pki/der/object-identifier.ts";
import { DerReader } from "../../../../pki/der/reader.ts";
import {
  bitString,
  boolean,
  type DerNode,
  encode,
  encoded,
  explicit,
  ia5String,
  implicit,
  integer,
  namedBitList,
  nullValue,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../../../pki/der/writer.ts";

const hex = (node: DerNode): string => Buffer.from(encode(node)).toString("hex");

describe("DER writer", () => {
  it.each([
    ["INTEGER 0", integer(0), "020100"],
    ["INTEGER 127", integer(127), "02017f"],
    ["INTEGER 128, with a sign octet", integer(128), "02020080"],
    ["INTEGER 2^64", integer(2n ** 64n), "0209010000000000000000"],
    ["INTEGER from bytes, leading zeros dropped", integer(Uint8Array.of(0, 0, 0x7f)), "02017f"],
    ["INTEGER from bytes, sign octet kept", integer(Uint8Array.of(0, 0x80)), "02020080"],
    ["INTEGER from no bytes", integer(new Uint8Array(0)), "020100"],
    ["BOOLEAN", boolean(true), "0101ff"],
    ["NULL", nullValue(), "0500"],
    ["OBJECT IDENTIFIER", objectIdentifier("1.2.840.113549"), "06062a864886f70d"],
    ["OBJECT IDENTIFIER 2.999.3", objectIdentifier("2.999.3"), "0603883703"],
    ["BIT STRING", bitString(Uint8Array.of(1)), "03020001"],
    ["named bit list", namedBitList([5, 6]), "03020106"],
    ["named bit list beyond an octet", namedBitList([8]), "0303070080"],
    ["empty named bit list", namedBitList([]), "030100"],
    ["OCTET STRING around a value", octetString(nullValue()), "04020500"],
    ["UTF8String", utf8String("ü"), "0c02c3bc"],
    ["EXPLICIT", explicit(3, nullValue()), "a3020500"],
    ["IMPLICIT primitive", implicit(6, ia5String("a")), "860161"],
    ["IMPLICIT constructed", implicit(0, sequence(nullValue())), "a0020500"],
    ["OPTIONAL that is absent", sequence(undefined, nullValue(), undefined), "30020500"],
    ["UTCTime", time(new Date("2049-12-31T23:59:59.999Z")), "170d3439313233313233353935395a"],
    ["GeneralizedTime", time(new Date("2050-01-01T00:00:00Z")), "180f32303530303130313030303030305a"],
  ])("%s", (_, node, expected) => {
    expect(hex(node)).toBe(expected);
  });

  it("X.690 §11.6: sorts a SET OF by the encodings", () => {
    expect(hex(setOf(integer(2), integer(1), nullValue()))).toBe("31080201010201020500");
  });

  it("refuses what the type cannot hold", () => {
    expect(() => integer(-1)).toThrow(RangeError);
    expect(() => integer(1.5)).toThrow(RangeError);
    expect(() => printableString("ü")).toThrow(RangeError);
    expect(() => ia5String("ü")).toThrow(RangeError);
    expect(() => objectIdentifier("1.40.1")).toThrow(RangeError);
    expect(() => objectIdentifier("3.1")).toThrow(RangeError);
    expect(() => objectIdentifier("1.02")).toThrow(RangeError);
    expect(() => time(new Date(Number.NaN))).toThrow(RangeError);
    expect(() => implicit(0, encoded(Uint8Array.of(5, 0)))).toThrow(TypeError);
  });

  it("what it writes, the strict reader reads: lengths around every step of the length octets", () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000]) {
      const der = encode(sequence(octetString(new Uint8Array(length))));
      const inner = DerReader.over(der, { maxBytes: 100_000 }).sequence("x");
      expect(inner.octetString("x")).toHaveLength(length);
      inner.end("x");
    }
  });

  it("integers and object identifiers survive the round trip", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (value) => {
        const content = DerReader.over(encode(integer(value))).integer("x");
        expect(BigInt(`0x${Buffer.from(content).toString("hex")}`)).toBe(value);
      }),
    );
    const arcs = fc.array(fc.bigInt({ min: 0n, max: 2n ** 70n }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 0, max: 39 }),
        arcs,
        (first, second, rest) => {
          const oid = [first, second, ...rest].join(".");
          expect(DerReader.over(encode(objectIdentifier(oid))).objectIdentifier("x")).toBe(oid);
          expect(encodeObjectIdentifier(oid).length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
