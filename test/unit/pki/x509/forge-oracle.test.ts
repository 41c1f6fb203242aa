import forge from "node-forge";
import { describe, expect, it } from "vitest";
import {
  encodePem,
  generatePrivateKey,
  issueCertificate,
  KeySigner,
  Name,
  parseCertificate,
  parseCertificateRequest,
  signCertificateRequest,
  verifyProofOfPossession,
  verifySignature,
} from "../../../../pki/index.ts";

const now = new Date();
const signer = new KeySigner(generatePrivateKey("rsa:2048"));
const device = new KeySigner(generatePrivateKey("rsa:2048"));
const root = parseCertificate(
  await issueCertificate(
    "root",
    { now, publicKey: signer.publicKey, subject: Name.of({ C: "CH", CN: "R" }) },
    signer,
  ),
);

describe("node-forge, an implementation of its own, agrees on RSA", () => {
  it("reads our certificates, verifies their chain, and finds our fields", async () => {
    const identity = { trustDomain: "a.example", id: "pump-7" };
    const der = await issueCertificate(
      "device",
      { now, publicKey: device.publicKey, issuer: root, identity },
      signer,
    );
    const leaf = forge.pki.certificateFromPem(encodePem("CERTIFICATE", der));
    const ca = forge.pki.certificateFromPem(encodePem("CERTIFICATE", root.der));
    expect(ca.verify(leaf)).toBe(true);
    expect(leaf.serialNumber).toBe(parseCertificate(der).serialNumber);
    expect(leaf.validity.notAfter).toEqual(parseCertificate(der).notAfter);
    expect(leaf.getExtension("subjectAltName")).toMatchObject({
      altNames: [{ type: 6, value: "spiffe://a.example/device/pump-7" }],
    });
    expect(leaf.getExtension("keyUsage")).toMatchObject({
      critical: true,
      digitalSignature: true,
      keyCertSign: false,
    });
    expect(ca.getExtension("basicConstraints")).toMatchObject({ critical: true, cA: true });
  });

  it("reads our certificate requests", async () => {
    const der = await signCertificateRequest({ subject: Name.of({ CN: "x" }) }, device);
    const request = forge.pki.certificationRequestFromPem(encodePem("CERTIFICATE REQUEST", der));
    expect(request.verify()).toBe(true);
    expect(request.subject.getField("CN")).toMatchObject({ value: "x" });
  });

  it("writes certificates and requests that we read and verify", () => {
    const keys = forge.pki.rsa.generateKeyPair({ bits: 2048, workers: -1 });
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = keys.publicKey;
    certificate.serialNumber = "0a0b";
    certificate.validity.notBefore = new Date("2026-01-01T00:00:00Z");
    certificate.validity.notAfter = new Date("2027-01-01T00:00:00Z");
    certificate.setSubject([{ shortName: "CN", value: "forge" }]);
    certificate.setIssuer([{ shortName: "CN", value: "forge" }]);
    certificate.setExtensions([
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "a.example" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
      { name: "subjectKeyIdentifier" },
    ]);
    certificate.sign(keys.privateKey, forge.md.sha256.create());
    const parsed = parseCertificate(
      Buffer.from(forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes(), "latin1"),
    );
    expect(verifySignature(parsed, parsed.publicKey)).toBe(true);
    expect(parsed.serialNumber).toBe("0a0b");
    expect(parsed.basicConstraints).toEqual({ ca: true });
    expect(parsed.subjectAltName).toEqual([
      { type: "dNSName", value: "a.example" },
      { type: "iPAddress", value: Uint8Array.of(127, 0, 0, 1) },
    ]);
    const request = forge.pki.createCertificationRequest();
    request.publicKey = keys.publicKey;
    request.setSubject([{ shortName: "CN", value: "forge" }]);
    request.sign(keys.privateKey, forge.md.sha256.create());
    const der = Buffer.from(
      forge.asn1.toDer(forge.pki.certificationRequestToAsn1(request)).getBytes(),
      "latin1",
    );
    expect(verifyProofOfPossession(parseCertificateRequest(der)).equals(parsed.publicKey)).toBe(true);
  });
});
