import { createPublicKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import forge from "node-forge";
import { beforeAll, describe, expect, test } from "vitest";
import { readRsaPkcs12, writeLegacyPkcs12 } from "../../../../pki/compat/rsa-pkcs12.ts";
import {
  exportPublicKey,
  generatePrivateKey,
  KeySigner,
  makeExtension,
  Name,
  signCertificate,
} from "../../../../pki/index.ts";
import { hostilePkcs12 } from "../../../support/hostile-pkcs12.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const key = generatePrivateKey("rsa:2048");
const ecKey = generatePrivateKey("p256");
let leaf: Uint8Array;
let issuer: Uint8Array;
let file: Uint8Array;

async function certificate(cn: string, subject = key, signer = ecKey): Promise<Uint8Array> {
  return signCertificate(
    {
      serialNumber: Uint8Array.of(0x41, 7),
      issuer: Name.of({ CN: "issuer" }),
      subject: Name.of({ CN: cn }),
      notBefore: new Date("2026-01-01T00:00:00Z"),
      notAfter: new Date("2036-01-01T00:00:00Z"),
      subjectPublicKeyInfo: exportPublicKey(createPublicKey(subject)),
      extensions: [makeExtension.basicConstraints({ ca: cn === "issuer" })],
    },
    new KeySigner(signer),
  );
}

beforeAll(async () => {
  leaf = await certificate("pump-1");
  issuer = await certificate("issuer", ecKey);
  file = writeLegacyPkcs12({
    privateKey: key,
    certificates: [leaf, issuer],
    passphrase: "föö bar",
    friendlyName: "pump-1",
  });
});

function refused(code: string) {
  return expect.objectContaining({ name: "PkiError", code });
}

describe("legacy PKCS#12 of RSA identities", () => {
  test("what is written is read back byte for byte, also certificates that an EC CA signed", () => {
    const { privateKey, certificates } = readRsaPkcs12(file, "föö bar");
    expect(privateKey.equals(key)).toBe(true);
    expect(certificates.map((der) => Buffer.from(der))).toEqual([Buffer.from(leaf), Buffer.from(issuer)]);
  });

  test("node:tls opens it", () => {
    const ascii = writeLegacyPkcs12({ privateKey: key, certificates: [leaf, issuer], passphrase: "secret" });
    expect(() => createSecureContext({ pfx: Buffer.from(ascii), passphrase: "secret" })).not.toThrow();
    expect(new X509Certificate(leaf).checkPrivateKey(key)).toBe(true);
  });

  test("a wrong passphrase is told from a damaged file", () => {
    expect(() => readRsaPkcs12(file, "wrong")).toThrow(refused("PKI_WRONG_PASSPHRASE"));
    expect(() => readRsaPkcs12(file, undefined)).toThrow(refused("PKI_PASSPHRASE_REQUIRED"));
    expect(() => readRsaPkcs12(file.subarray(0, 200), "föö bar")).toThrow(refused("PKI_PKCS12_MALFORMED"));
    expect(() => readRsaPkcs12(Buffer.from("no file at all"), "x")).toThrow(refused("PKI_PKCS12_MALFORMED"));
    expect(() => readRsaPkcs12(new Uint8Array(2 ** 21), "x")).toThrow(refused("PKI_PKCS12_MALFORMED"));
  });

  test("an altered file does not pass its MAC", () => {
    const altered = Uint8Array.from(file);
    const at = Buffer.from(altered).indexOf(Buffer.from("pump-1", "utf16le").swap16());
    expect(at).toBeGreaterThan(0);
    altered[at + 1] = (altered[at + 1] ?? 0) ^ 1;
    expect(() => readRsaPkcs12(altered, "föö bar")).toThrow(refused("PKI_WRONG_PASSPHRASE"));
  });

  test("a key that is not RSA is refused", () => {
    expect(() => writeLegacyPkcs12({ privateKey: ecKey, certificates: [issuer], passphrase: "x" })).toThrow(
      refused("PKI_PKCS12_UNSUPPORTED"),
    );
  });

  test("an empty passphrase is refused", () => {
    expect(() => writeLegacyPkcs12({ privateKey: key, certificates: [leaf], passphrase: "" })).toThrow(
      refused("PKI_PASSPHRASE_REQUIRED"),
    );
  });
});

test("key derivation behind a right MAC is bounded, and node-forge is left as it was", () => {
  const before = forge.pki.pbe.getCipher;
  const read = (iterations: number) =>
    pkiErrorCode(() => readRsaPkcs12(hostilePkcs12("pw", iterations), "pw"));
  expect(read(1000)).toBe("PKI_PKCS12_MALFORMED");
  expect(read(3_000_001)).toBe("PKI_PKCS12_UNSUPPORTED");
  expect(read(2 ** 31 - 1)).toBe("PKI_PKCS12_UNSUPPORTED");
  expect(forge.pki.pbe.getCipher).toBe(before);
});
