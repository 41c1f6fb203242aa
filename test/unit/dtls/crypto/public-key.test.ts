import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { publicKeyOfCertificate, publicKeyOfSpki } from "../../../../dtls/crypto/public-key.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";
import { mint } from "../../../support/minted-pki.ts";
import { opensslHandshakes } from "./openssl-handshakes.ts";

let certificate = new Uint8Array();
let spki = new Uint8Array();

beforeAll(async () => {
  certificate = Uint8Array.from((await mint({ commonName: "device" })).certificate.der);
  spki = spkiOf(new X509Certificate(certificate).publicKey);
});

function spkiOf(key: KeyObject): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(key.export({ format: "der", type: "spki" }));
}

function expectRefused(act: () => unknown, what = ""): void {
  expect(dtlsErrorCode(act), what).toBe("DTLS_BAD_CERTIFICATE");
}

/** The same value again in a DER SEQUENCE of a header that is `header`. */
function resized(value: Uint8Array, header: string): Uint8Array {
  const at = 2 + Math.max(0, (value[1] ?? 0) - 0x80);
  return Buffer.concat([hex(header), value.subarray(at)]);
}

describe("the key of a certificate", () => {
  test.each(["p256", "p384", "ed25519", "rsa:2048"] as const)(
    "RFC 5280 §4.1: of a certificate with a key of %s, as Node reads it",
    async (algorithm) => {
      const { certificate } = await mint({ algorithm });
      const key = publicKeyOfCertificate(certificate.der);
      expect(key.equals(new X509Certificate(certificate.der).publicKey)).toBe(true);
    },
  );

  test("RFC 5280 §4.1: of certificates that OpenSSL made", () => {
    for (const { certificate } of opensslHandshakes) {
      if (certificate === undefined) continue;
      const key = publicKeyOfCertificate(hex(certificate));
      expect(key.equals(new X509Certificate(hex(certificate)).publicKey)).toBe(true);
    }
  });

  test("a certificate cut anywhere is refused, and so is one with bytes behind it (H)", () => {
    for (let length = 0; length < certificate.length; length++) {
      expectRefused(() => publicKeyOfCertificate(certificate.subarray(0, length)), `${length} bytes`);
    }
    expectRefused(() => publicKeyOfCertificate(Buffer.concat([certificate, hex("00")])));
    expectRefused(() => publicKeyOfSpki(certificate));
    expectRefused(() => publicKeyOfCertificate(spki));
  });

  test("X.690 §10.1: a length must be definite, minimal, and inside what holds it (H)", () => {
    const length = certificate.length - 4;
    expect(certificate.subarray(0, 2)).toEqual(hex("3082"));
    for (const header of [
      "3080",
      `308300${length.toString(16).padStart(4, "0")}`,
      `3083${length.toString(16).padStart(4, "0")}00`,
      `30840000${length.toString(16).padStart(4, "0")}`,
      `3082${(length + 1).toString(16).padStart(4, "0")}`,
      `3082${(length - 1).toString(16).padStart(4, "0")}`,
      `3182${length.toString(16).padStart(4, "0")}`,
      "30ff",
      "30",
      "",
    ]) {
      expectRefused(() => publicKeyOfCertificate(resized(certificate, header)), header);
    }
    // 00b0 where b0 would do
    const [first = 0] = spki.subarray(1);
    expectRefused(() => publicKeyOfSpki(resized(spki, `3081${first.toString(16)}`)));
    expectRefused(() => publicKeyOfSpki(resized(spki, `308200${first.toString(16)}`)));
  });

  test("RFC 5280 §4.1: a certificate is three fields: what stands behind the signature is refused (H)", () => {
    const length = certificate.length - 4 + 2;
    const header = `3082${length.toString(16).padStart(4, "0")}`;
    expectRefused(() => publicKeyOfCertificate(resized(Buffer.concat([certificate, hex("0500")]), header)));
  });

  test("PEM within a certificate, which other readers would take for the certificate, is refused (A4)", async () => {
    const { certificate: other } = await mint({ commonName: `a\n-----BEGIN CERTIFICATE-----\nb` });
    expectRefused(() => publicKeyOfCertificate(other.der));
  });

  test("more than 65535 bytes are not even looked at (E2)", () => {
    expectRefused(() => publicKeyOfCertificate(new Uint8Array(65_536).fill(0x30)));
    expectRefused(() => publicKeyOfSpki(new Uint8Array(2 ** 20)));
  });

  test("random and changed bytes throw DTLS_BAD_CERTIFICATE or give a key, and nothing else (H, I)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectRefused(() => publicKeyOfCertificate(bytes));
        expectRefused(() => publicKeyOfSpki(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.nat(certificate.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const changed = Uint8Array.from(certificate);
        changed[index] = (changed[index] ?? 0) ^ flip;
        expect([undefined, "DTLS_BAD_CERTIFICATE"]).toContain(
          dtlsErrorCode(() => publicKeyOfCertificate(changed)),
        );
      }),
    );
  });

  test("the same certificate again gives the same key object, however many came between, up to a bound", () => {
    const key = publicKeyOfSpki(spki);
    expect(publicKeyOfSpki(Uint8Array.from(spki))).toBe(key);
    expect(publicKeyOfCertificate(certificate).equals(key)).toBe(true);
    const others = Array.from({ length: 2300 }, () => spkiOf(generateKeyPairSync("ed25519").publicKey));
    for (const other of others.slice(0, 2000)) publicKeyOfSpki(other);
    expect(publicKeyOfSpki(spki)).toBe(key);
    for (const other of others.slice(300)) publicKeyOfSpki(other);
    expect(publicKeyOfSpki(spki)).toBe(key);
    for (const other of others) publicKeyOfSpki(other);
    expect(publicKeyOfSpki(spki)).not.toBe(key);
    expect(publicKeyOfSpki(spki).equals(key)).toBe(true);
  });

  test("a refused key stays refused: it was not kept", () => {
    const rsa1024 = spkiOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);
    expectRefused(() => publicKeyOfSpki(rsa1024));
    expectRefused(() => publicKeyOfSpki(rsa1024));
  });
});

describe("a raw public key", () => {
  test.each([
    ["P-256", generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey],
    ["P-384", generateKeyPairSync("ec", { namedCurve: "secp384r1" }).publicKey],
    ["Ed25519", generateKeyPairSync("ed25519").publicKey],
    ["RSA-2048", generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey],
  ])("RFC 7250 §3: SubjectPublicKeyInfo of %s", (_, publicKey) => {
    const der = spkiOf(publicKey);
    expect(publicKeyOfSpki(der).equals(publicKey)).toBe(true);
    for (let length = 0; length < der.length; length += 3) {
      expectRefused(() => publicKeyOfSpki(der.subarray(0, length)));
    }
    expectRefused(() => publicKeyOfSpki(Buffer.concat([der, hex("00")])));
  });

  test.each([
    ["RSA-1024", generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey],
    ["RSASSA-PSS", generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey],
    ["P-521", generateKeyPairSync("ec", { namedCurve: "secp521r1" }).publicKey],
    ["secp256k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey],
    [
      "a curve spelled out",
      generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }).publicKey,
    ],
    ["X25519", generateKeyPairSync("x25519").publicKey],
    ["Ed448", generateKeyPairSync("ed448").publicKey],
  ])("RFC 9325 §4.4, RFC 8422 §5.1.1: %s is refused (R15)", (_, publicKey) => {
    expectRefused(() => publicKeyOfSpki(spkiOf(publicKey)));
  });

  test("a point that is not on its curve is no key (H)", () => {
    const off = Uint8Array.from(spki);
    off[off.length - 1] = (off[off.length - 1] ?? 0) ^ 1;
    expectRefused(() => publicKeyOfSpki(off));
    expect(() => createPublicKey({ key: Buffer.from(off), format: "der", type: "spki" })).toThrow(/key/i);
  });
});
