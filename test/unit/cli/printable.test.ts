import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payloadFields, printable, printablePayload } from "../../../cli/printable.ts";

describe("text from a peer cannot drive the terminal", () => {
  test("escape sequences, line ends and direction marks are spelled out", () => {
    expect(printable("a\u001b[2Jb\r\nc\u202ed\u2028e")).toBe("a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{202e}d\\u{2028}e");
    expect(printable("\u009b31m")).toBe("\\u{9b}31m");
  });

  test("no control character survives, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(/\p{Cc}/u.test(printable(text))).toBe(false);
      }),
    );
  });

  test("ordinary text in any script stays as it is", () => {
    expect(printable("21.5 °C, 温度, שלום")).toBe("21.5 °C, 温度, שלום");
  });
});

describe("payloads", () => {
  test("text is shown as text, other bytes as their number and hex", () => {
    expect(printablePayload(Buffer.from("21.5"))).toBe("21.5");
    expect(printablePayload(Uint8Array.of(0xff, 0x00))).toBe("2 bytes ff00");
    expect(printablePayload(new Uint8Array(100).fill(0xff))).toMatch(/^100 bytes (ff){32}…$/);
  });

  test("JSON has the text, or base64 of what is not UTF-8", () => {
    expect(payloadFields(Buffer.from("21.5"))).toEqual({ payload: "21.5" });
    expect(payloadFields(Uint8Array.of(0xff))).toEqual({ payloadBase64: "/w==" });
  });
});
