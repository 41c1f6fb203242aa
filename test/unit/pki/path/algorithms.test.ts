import { describe, expect, test } from "vitest";
import {
  bitString,
  encode,
  encoded,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
} from "../../../../pki/der/writer.ts";
import type { KeyAlgorithm } from "../../../../pki/index.ts";
import { isSignatureOf } from "../../../../pki/path/algorithms.ts";
import { mintCa, mintDevice, mintRoot } from "../../../support/chain-builder.ts";
import { newKey, type OddKey, type SignatureName } from "../../../support/odd-algorithms.ts";
import { verdict } from "./verdict.ts";

const root = mintRoot();
const anchors = [root];
const weak = "PKI_PATH_WEAK_ALGORITHM";

describe("accepted: keys and signatures from leaf to anchor", () => {
  test.each<[KeyAlgorithm | OddKey, SignatureName]>([
    ["p256", "ecdsa-sha256"],
    ["p256", "ecdsa-sha384"],
    ["p384", "ecdsa-sha384"],
    ["p521", "ecdsa-sha512"],
    ["ed25519", "ed25519"],
    ["rsa:2048", "rsa-sha256"],
    ["rsa:2048", "rsa-sha384"],
    ["rsa:2048", "rsa-sha512"],
    ["rsa:2048", "rsa-pss-sha256"],
    ["rsa:2048", "rsa-pss-sha384"],
    ["rsa-pss", "rsa-pss-sha256"],
    ["rsa-e3", "rsa-sha256"],
    ["ml-dsa-44", "ml-dsa-44"],
    ["ml-dsa-65", "ml-dsa-65"],
    ["ml-dsa-87", "ml-dsa-87"],
  ])("%s with %s", (key, signature) => {
    const own = mintRoot({ key, signature });
    const ca = mintCa(own, { key, signature });
    expect(verdict([mintDevice(ca, "x", { key, signature }), ca], { anchors: [own] })).toBe("valid");
    expect(verdict([mintDevice(ca, "x", { signature, corrupt: true }), ca], { anchors: [own] })).toBe(
      "PKI_PATH_BAD_SIGNATURE",
    );
  });
});

describe("D-CERT-20 (RFC 9155, RFC 9325): weak and unknown signatures are refused on leaf and intermediate", () => {
  test.each<[KeyAlgorithm, SignatureName]>([
    ["rsa:2048", "rsa-md5"],
    ["rsa:2048", "rsa-sha1"],
    ["rsa:2048", "rsa-sha224"],
    ["rsa:2048", "rsa-pss-sha1"],
    ["rsa:2048", "rsa-pss-mixed"],
    ["rsa:2048", "rsa-pss-trailer"],
    ["rsa:2048", "rsa-sha256-without-null"],
    ["p256", "ecdsa-sha256-with-null"],
    ["p256", "ecdsa-sha1"],
    ["p256", "ecdsa-sha224"],
    ["p256", "unknown"],
  ])("%s with %s", (key, signature) => {
    const own = mintRoot({ key });
    const ca = mintCa(own, { key, signature });
    expect(verdict([mintDevice(ca, "x"), ca], { anchors: [own] })).toBe(weak);
    const good = mintCa(own, { key });
    expect(verdict([mintDevice(good, "x", { signature }), good], { anchors: [own] })).toBe(weak);
  });
  test("the anchor's own signature proves nothing and is not looked at", () => {
    const own = mintRoot({ key: "rsa:2048", signature: "rsa-sha1" });
    expect(verdict([mintDevice(own, "x")], { anchors: [own] })).toBe("valid");
  });
});

const rsaKey = (modulusBits: number, exponent: Uint8Array | number) => {
  const modulus = new Uint8Array(modulusBits / 8).fill(0xff);
  return encode(
    sequence(
      sequence(objectIdentifier("1.2.840.113549.1.1.1"), nullValue()),
      bitString(encode(sequence(encoded(encode(integer(modulus))), integer(exponent)))),
    ),
  );
};

describe("D-CERT-21 (RFC 9325, NIST SP 800-57): weak and unknown keys are refused in leaf, intermediate and anchor", () => {
  test.each<OddKey>(["rsa:1024", "p192", "secp256k1"])("%s", (key) => {
    const ca = mintCa(root, { key });
    expect(verdict([mintDevice(root, "x", { key })], { anchors })).toBe(weak);
    expect(verdict([mintDevice(ca, "x"), ca], { anchors })).toBe(weak);
    const own = mintRoot({ key });
    expect(verdict([mintDevice(own, "x")], { anchors: [own] })).toBe(weak);
  });
  test("Ed448", () => {
    expect(verdict([mintDevice(root, "x", { key: "ed448" })], { anchors })).toBe(weak);
  });
  test.each<[string, number, Uint8Array | number, string]>([
    ["of 2047 bits less a few", 2040, 65_537, weak],
    ["of 2048 bits", 2048, 65_537, "valid"],
    ["of 8192 bits", 8192, 65_537, "valid"],
    ["of 8200 bits, too slow", 8200, 65_537, weak],
    ["with exponent 1", 2048, 1, weak],
    ["with a long exponent, too slow", 2048, new Uint8Array(200).fill(0x7f), weak],
  ])("an RSA key %s", (_, bits, exponent, expected) => {
    const leaf = mintDevice(root, "x", { subjectPublicKeyInfo: rsaKey(bits, exponent) });
    expect(verdict([leaf], { anchors })).toBe(expected);
  });
});

describe("D-CERT-22 (RFC 5480 §2.1.1): curves are named", () => {
  test("explicit parameters do not even parse", () => {
    const explicitCurve = encode(
      sequence(
        sequence(objectIdentifier("1.2.840.10045.2.1"), sequence(integer(1))),
        bitString(Uint8Array.of(4)),
      ),
    );
    const leaf = mintDevice(root, "x", { subjectPublicKeyInfo: explicitCurve });
    expect(() => leaf.certificate).toThrow(expect.objectContaining({ code: "PKI_PUBLIC_KEY_INVALID" }));
  });
  test("a point off the curve has signed nothing", () => {
    const point = new Uint8Array(65).fill(7);
    point[0] = 4;
    const subjectPublicKeyInfo = encode(
      sequence(
        sequence(objectIdentifier("1.2.840.10045.2.1"), objectIdentifier("1.2.840.10045.3.1.7")),
        bitString(point),
      ),
    );
    const ca = mintCa(root, { subjectPublicKeyInfo });
    expect(verdict([mintDevice(ca, "x"), ca], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
  });
});

describe("the key decides what its signatures are", () => {
  test("a signature under an algorithm of another key type is none", () => {
    const leaf = mintDevice(root, "x").certificate;
    for (const key of ["rsa:2048", "ed25519", "p384"] as const) {
      expect(isSignatureOf(newKey(key), leaf)).toBe(false);
    }
  });
  test("an issuer with another kind of key is refused", () => {
    const rsa = mintRoot({ key: "rsa:2048" });
    expect(verdict([mintDevice(root, "x")], { anchors: [rsa] })).toBe("PKI_PATH_BAD_SIGNATURE");
    const pss = mintDevice(rsa, "x", { signature: "rsa-pss-sha256" });
    expect(verdict([pss], { anchors: [root] })).toBe("PKI_PATH_BAD_SIGNATURE");
  });
  test("an RSA-PSS key makes no PKCS#1 v1.5 signatures", () => {
    const key = newKey("rsa-pss");
    const own = mintRoot({ key });
    const leaf = mintDevice(own, "x", { signWith: newKey("rsa:2048"), signature: "rsa-sha256" });
    expect(verdict([leaf], { anchors: [own] })).toBe("PKI_PATH_BAD_SIGNATURE");
  });
});
