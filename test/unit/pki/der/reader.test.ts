import { describe, expect, it } from "vitest";
import { DerReader, decode } from "../../../../pki/der/reader.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const timeHex = (tag: string, text: string): string =>
  `${tag} ${text.length.toString(16).padStart(2, "0")} ${Buffer.from(text).toString("hex")}`;
const utc = (text: string): string => timeHex("17", text);
const general = (text: string): string => timeHex("18", text);
const reader = (hex: string): DerReader => DerReader.over(bytes(hex));

describe("X.690 §10.1: lengths are definite and minimal", () => {
  it.each([
    ["an indefinite length", "30 80 00 00", "PKI_DER_LENGTH"],
    ["a long form for less than 128", "04 81 01 aa", "PKI_DER_LENGTH"],
    ["a leading zero octet", `04 82 00 80 ${"00".repeat(128)}`, "PKI_DER_LENGTH"],
    ["five length octets", "04 85 01 00 00 00 00 aa", "PKI_DER_LENGTH"],
    ["the reserved form ff", "04 ff", "PKI_DER_LENGTH"],
    ["a length beyond the end", "04 05 aa", "PKI_DER_TRUNCATED"],
    ["a length of four gigabytes", "04 84 ff ff ff ff aa", "PKI_DER_TRUNCATED"],
    ["an end inside the length", "04 82 01", "PKI_DER_TRUNCATED"],
    ["a lone tag", "04", "PKI_DER_TRUNCATED"],
    ["nothing", "", "PKI_DER_TRUNCATED"],
  ])("refuses %s", (_, hex, code) => {
    expect(pkiErrorCode(() => reader(hex).any("value"))).toBe(code);
  });

  it("takes the longest short form and the shortest long form", () => {
    expect(reader(`04 7f ${"aa".repeat(127)}`).octetString("x")).toHaveLength(127);
    expect(reader(`04 81 80 ${"aa".repeat(128)}`).octetString("x")).toHaveLength(128);
  });

  it("refuses a value that reaches beyond the SEQUENCE around it", () => {
    const inner = reader("30 03 04 02 aa bb").sequence("outer");
    expect(pkiErrorCode(() => inner.octetString("inner"))).toBe("PKI_DER_TRUNCATED");
  });
});

describe("X.690 §8.3.2: INTEGERs are minimal", () => {
  it.each(["02 00", "02 02 00 7f", "02 02 ff 80", "02 03 00 00 80"])("refuses %s", (hex) => {
    expect(pkiErrorCode(() => reader(hex).integer("x"))).toBe("PKI_DER_VALUE");
  });

  it.each(["02 01 00", "02 01 7f", "02 02 00 80", "02 01 80", "02 02 ff 7f"])("takes %s", (hex) => {
    expect(Buffer.from(reader(hex).integer("x")).toString("hex")).toBe(hex.slice(6).replaceAll(" ", ""));
  });

  it("keeps a small INTEGER within 0 to 2^31-1", () => {
    expect(reader("02 04 7f ff ff ff").smallInteger("x")).toBe(0x7fffffff);
    expect(pkiErrorCode(() => reader("02 01 ff").smallInteger("x"))).toBe("PKI_DER_VALUE");
    expect(pkiErrorCode(() => reader("02 05 00 80 00 00 00").smallInteger("x"))).toBe("PKI_DER_VALUE");
  });
});

describe("X.690 §11: one encoding for each value", () => {
  it.each(["01 01 01", "01 01 fe", "01 00", "01 02 ff ff"])("§11.1: refuses the BOOLEAN %s", (hex) => {
    expect(pkiErrorCode(() => reader(hex).boolean("x"))).toBe("PKI_DER_VALUE");
  });

  it("§11.1: TRUE is ff and FALSE is 00", () => {
    expect(reader("01 01 ff").boolean("x")).toBe(true);
    expect(reader("01 01 00").boolean("x")).toBe(false);
  });

  it.each(["05 01 00"])("refuses the NULL %s", (hex) => {
    expect(pkiErrorCode(() => reader(hex).null("x"))).toBe("PKI_DER_VALUE");
  });

  it.each(["03 00", "03 02 01 80", "03 01 01"])("refuses the octet-aligned BIT STRING %s", (hex) => {
    expect(pkiErrorCode(() => reader(hex).bitString("x"))).toBe("PKI_DER_VALUE");
  });

  it.each([
    ["trailing zero bits", "03 02 00 80"],
    ["unused bits that are set", "03 02 07 81"],
    ["eight unused bits", "03 02 08 80"],
    ["unused bits of nothing", "03 01 01"],
    ["no count", "03 00"],
    ["an empty last octet", "03 03 00 80 00"],
  ])("§11.2: refuses a named bit list with %s", (_, hex) => {
    expect(pkiErrorCode(() => reader(hex).namedBitList("x"))).toBe("PKI_DER_VALUE");
  });

  it("§11.2: reads the bits from the left", () => {
    expect(reader("03 02 07 80").namedBitList("x")).toEqual([0]);
    expect(reader("03 02 01 06").namedBitList("x")).toEqual([5, 6]);
    expect(reader("03 03 07 00 80").namedBitList("x")).toEqual([8]);
    expect(reader("03 01 00").namedBitList("x")).toEqual([]);
  });

  it.each(["06 00", "06 02 2a 80", "06 03 2a 80 01", `06 41 ${"01".repeat(65)}`])(
    "§8.19: refuses the OBJECT IDENTIFIER %s",
    (hex) => {
      expect(pkiErrorCode(() => reader(hex).objectIdentifier("x"))).toBe("PKI_DER_VALUE");
    },
  );

  it("§8.19: reads arcs beyond 2^53 whole", () => {
    expect(reader("06 06 2a 86 48 86 f7 0d").objectIdentifier("x")).toBe("1.2.840.113549");
    expect(reader("06 03 88 37 03").objectIdentifier("x")).toBe("2.999.3");
    const uuid = reader("06 14 69 82 a8 8f 9d e5 f4 d6 bd e7 a1 d2 ca c9 f1 e5 d3 c4 b7 6b");
    expect(uuid.objectIdentifier("x").startsWith("2.25.")).toBe(true);
  });
});

describe("RFC 5280 §4.1.2.5: times", () => {
  it.each([
    utc("2601010000Z"),
    utc("260101000000+0100"),
    utc("260101000000"),
    utc("26010100000Z0"),
    utc("261301000000Z"),
    utc("260230000000Z"),
    utc("260100000000Z"),
    utc("260101240000Z"),
    utc("260101006000Z"),
    utc("260101000060Z"),
    utc("2601 1000000Z"),
    general("20600101000000.5Z"),
    general("206001010000Z"),
    general("20490101000000Z"),
    general("20260101000000Z"),
  ])("refuses %s", (hex) => {
    expect(pkiErrorCode(() => reader(hex).time("x"))).toBe("PKI_DER_VALUE");
  });

  it("reads 50 as 1950, 49 as 2049, and the time without an end", () => {
    expect(reader(utc("500101000000Z")).time("x").toISOString()).toBe("1950-01-01T00:00:00.000Z");
    expect(reader(utc("491231235959Z")).time("x").toISOString()).toBe("2049-12-31T23:59:59.000Z");
    expect(reader(general("99991231235959Z")).time("x").toISOString()).toBe("9999-12-31T23:59:59.000Z");
    expect(reader(utc("240229120000Z")).time("x").toISOString()).toBe("2024-02-29T12:00:00.000Z");
  });
});

describe("bounds", () => {
  it("refuses bytes after the structure", () => {
    expect(pkiErrorCode(() => decode(bytes("04 00 00"), "x", (r) => r.octetString("x")))).toBe(
      "PKI_DER_TRAILING",
    );
  });

  it("refuses another tag than the wanted one, and tags X.509 does not use", () => {
    expect(pkiErrorCode(() => reader("02 01 00").octetString("x"))).toBe("PKI_DER_TAG");
    expect(pkiErrorCode(() => reader("1f 01 00").any("x"))).toBe("PKI_DER_TAG");
    expect(pkiErrorCode(() => reader("24 02 04 00").any("x"))).toBe("PKI_DER_TAG");
    expect(pkiErrorCode(() => reader("10 00").any("x"))).toBe("PKI_DER_TAG");
    expect(pkiErrorCode(() => reader("00 00").any("x"))).toBe("PKI_DER_TAG");
  });

  it("refuses nesting deeper than the limit, by `any` and step by step", () => {
    let der: Uint8Array = bytes("05 00");
    for (let i = 0; i < 40; i++) der = Buffer.concat([Uint8Array.of(0x30, der.length), der]);
    expect(pkiErrorCode(() => DerReader.over(der).any("x"))).toBe("PKI_DER_LIMIT");
    expect(
      pkiErrorCode(() => {
        let r = DerReader.over(der);
        for (let i = 0; i < 40; i++) r = r.sequence("x");
      }),
    ).toBe("PKI_DER_LIMIT");
  });

  it("refuses more values than the limit, wherever they are read", () => {
    const many = Buffer.concat([bytes("30 82 27 10"), Buffer.from("0500".repeat(5000), "hex")]);
    expect(pkiErrorCode(() => DerReader.over(many, { maxNodes: 1000 }).any("x"))).toBe("PKI_DER_LIMIT");
    expect(pkiErrorCode(() => DerReader.over(many).any("x"))).toBeUndefined();
  });

  it("refuses more bytes than the limit before it reads any", () => {
    expect(pkiErrorCode(() => DerReader.over(new Uint8Array(65_537)))).toBe("PKI_DER_LIMIT");
  });
});
