import { createSecureContext } from "node:tls";
import { describe, expect, it } from "vitest";
import {
  decodePkcs12,
  encodePkcs12,
  generatePrivateKey,
  issueCertificate,
  type KeyAlgorithm,
  KeySigner,
  keyAlgorithms,
  Name,
  parseCertificate,
} from "../../../../pki/index.ts";
import { macDigests, pkcs12Mac } from "../../../../pki/pkcs12/mac.ts";
import { hostilePkcs12, pkcs12OfKeys } from "../../../support/hostile-pkcs12.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const now = new Date();
const passphrase = "geheim ü€";
// The real count costs most of a second, and what it is counts in one test alone.
const iterations = 1000;
const rootSigner = new KeySigner(generatePrivateKey("p256"));
const root = parseCertificate(
  await issueCertificate(
    "root",
    { now, publicKey: rootSigner.publicKey, subject: Name.of({ CN: "R" }) },
    rootSigner,
  ),
);

async function identity(algorithm: KeyAlgorithm): Promise<Parameters<typeof encodePkcs12>[0]> {
  const privateKey = generatePrivateKey(algorithm);
  const { publicKey } = new KeySigner(privateKey);
  const request = { now, publicKey, issuer: root, identity: { trustDomain: "a.example", id: "pump-7" } };
  const leaf = parseCertificate(await issueCertificate("device", request, rootSigner));
  return { privateKey, certificates: [leaf, root], passphrase, friendlyName: "pump-7", iterations };
}

const p256 = await identity("p256");
const file = encodePkcs12(p256);

describe("PKCS#12", () => {
  it.each(keyAlgorithms)("%s: comes back whole, leaf first, and opens in node:tls", async (algorithm) => {
    const options = await identity(algorithm);
    const der = encodePkcs12(options);
    const { privateKey, certificates } = decodePkcs12(der, passphrase);
    expect(privateKey?.equals(options.privateKey)).toBe(true);
    expect(certificates.map((c) => c.fingerprint)).toEqual(options.certificates.map((c) => c.fingerprint));
    expect(() => createSecureContext({ pfx: Buffer.from(der), passphrase })).not.toThrow();
  });

  it("uses 600 000 iterations when nothing else is said, and lists the leaf first however it is given", () => {
    const { iterations: _, ...options } = p256;
    const der = encodePkcs12({ ...options, certificates: options.certificates.toReversed() });
    // INTEGER 600000, in PBKDF2 for the certificates and in the MAC; the key's is inside the data.
    expect(Buffer.from(der).toString("hex").split("02030927c0")).toHaveLength(4);
    expect(decodePkcs12(der, passphrase).certificates[0]?.fingerprint).toBe(
      options.certificates[0]?.fingerprint,
    );
  });

  it("a wrong passphrase and a changed octet are refused alike", () => {
    expect(pkiErrorCode(() => decodePkcs12(file, "wrong"))).toBe("PKI_WRONG_PASSPHRASE");
    expect(pkiErrorCode(() => decodePkcs12(file, ""))).toBe("PKI_WRONG_PASSPHRASE");
    const changed = Uint8Array.from(file);
    changed[200] = (changed[200] ?? 0) ^ 1;
    expect(pkiErrorCode(() => decodePkcs12(changed, passphrase))).toBe("PKI_WRONG_PASSPHRASE");
  });

  it("every proper prefix throws PkiError", () => {
    for (let length = 0; length < file.length; length += 7) {
      expect(pkiErrorCode(() => decodePkcs12(file.subarray(0, length), passphrase))).toBeDefined();
    }
  });

  it("a file that asks for a thousand million iterations is refused at once", () => {
    const hex = Buffer.from(file).toString("hex");
    const at = hex.lastIndexOf("020203e8");
    const greedy = Buffer.from(`${hex.slice(0, at)}02043b9aca00`, "hex");
    // Two octets more, in each of the three lengths around it.
    greedy.writeUInt16BE(greedy.readUInt16BE(2) + 2, 2);
    const macData = greedy.length - 6 - 18 - 51 - 2;
    expect(greedy[macData]).toBe(0x30);
    greedy.writeUInt8(greedy.readUInt8(macData + 1) + 2, macData + 1);
    const before = process.cpuUsage();
    expect(pkiErrorCode(() => decodePkcs12(greedy, passphrase))).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(process.cpuUsage(before).user).toBeLessThan(500_000);
  });

  it("a count behind a right MAC is bounded too, and a file without MAC is not opened", () => {
    const codeOf = (...hostile: Parameters<typeof hostilePkcs12>) =>
      pkiErrorCode(() => decodePkcs12(hostilePkcs12(...hostile), "pw"));
    expect(codeOf("pw", 1)).toBe("PKI_WRONG_PASSPHRASE");
    expect(codeOf("pw", 10_000_001)).toBe("PKI_PKCS12_UNSUPPORTED");
    expect(codeOf("pw", 1, false)).toBe("PKI_PKCS12_UNSUPPORTED");
  });

  it("a file with two private keys does not say whose it is, and is refused", () => {
    const key = p256.privateKey.export({ type: "pkcs8", format: "der" });
    expect(decodePkcs12(pkcs12OfKeys("pw", key), "pw").privateKey?.equals(p256.privateKey)).toBe(true);
    expect(pkiErrorCode(() => decodePkcs12(pkcs12OfKeys("pw", key, key), "pw"))).toBe(
      "PKI_PKCS12_UNSUPPORTED",
    );
  });

  it("wants a certificate and a passphrase", () => {
    expect(() => encodePkcs12({ ...p256, certificates: [] })).toThrow(RangeError);
    expect(() => encodePkcs12({ ...p256, passphrase: "" })).toThrow(RangeError);
  });

  it("RFC 7292 Appendix B.2: the MAC is keyed by passphrase, salt and iterations", () => {
    const sha256 = macDigests.get("2.16.840.1.101.3.4.2.1");
    if (sha256 === undefined) throw new Error("no SHA-256");
    const mac = (...args: [string, Uint8Array, number]): string =>
      pkcs12Mac(sha256, ...args, Buffer.of(1)).toString("hex");
    const macs = [
      mac("a", Buffer.alloc(8), 1),
      mac("b", Buffer.alloc(8), 1),
      mac("a", Buffer.alloc(8, 1), 1),
      mac("a", Buffer.alloc(8), 2),
    ];
    expect(new Set(macs).size).toBe(4);
  });
});
