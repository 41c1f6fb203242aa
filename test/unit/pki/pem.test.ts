import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePem, encodePem } from "../../../pki/index.ts";
import { pkiErrorCode } from "../../support/pki-error-code.ts";

const block = encodePem("X", Uint8Array.of(1, 2, 3));

describe("RFC 7468: PEM", () => {
  it("§2: writes lines of 64 characters and reads them back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const pem = encodePem("CERTIFICATE", bytes);
        expect(pem.split("\n").every((line) => line.length <= 64)).toBe(true);
        expect(decodePem(pem)).toEqual([{ label: "CERTIFICATE", der: bytes }]);
      }),
    );
  });

  it("picks the blocks of a label, and skips text and line ends of any kind between them", () => {
    const text = `Bag Attributes\n${block.replaceAll("\n", "\r\n")} \t\nmore ${encodePem("Y", Uint8Array.of(9))}`;
    expect(decodePem(text).map(({ label }) => label)).toEqual(["X", "Y"]);
    expect(decodePem(text, "Y")).toHaveLength(1);
  });

  it.each([
    ["nothing", ""],
    ["another label alone", encodePem("Y", Uint8Array.of(9))],
    ["a block without an end", block.slice(0, -12)],
    ["an end of another label", block.replace("END X", "END Y")],
    ["a character that is not base64", block.replace("AQID", "AQ!D")],
    ["base64 without its padding", encodePem("X", Uint8Array.of(1)).replace("AQ==", "AQ")],
    ["base64 with bits that count for nothing", encodePem("X", Uint8Array.of(1)).replace("AQ==", "AR==")],
    ["an empty block", block.replace("AQID", "")],
    ["a good block after a damaged one", `${block.slice(0, -12)}\n${block}`],
  ])("refuses %s", (_, text) => {
    expect(pkiErrorCode(() => decodePem(text, "X"))).toBe("PKI_PEM_MALFORMED");
  });

  it("takes linear time over a text made to be slow", () => {
    const before = process.cpuUsage();
    pkiErrorCode(() => decodePem("-----BEGIN X-----\n".repeat(50_000)));
    pkiErrorCode(() => decodePem(`-----BEGIN ${"A ".repeat(500_000)}`));
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});
