import { createPublicKey } from "node:crypto";
import forge from "node-forge";
import { describe, expect, test } from "vitest";
import { readRsaPkcs12 } from "../../../../pki/compat/rsa-pkcs12.ts";
import { encodePem, encodePkcs12, KeySigner, Name, signCertificateRequest } from "../../../../pki/index.ts";
import { tempPki } from "../../../support/temp-pki.ts";

const rsa = { rootAlgorithm: "rsa:2048", issuingAlgorithm: "rsa:2048" } as const;

function parse(der: Uint8Array): forge.pki.Certificate {
  return forge.pki.certificateFromPem(encodePem("CERTIFICATE", der));
}

describe("node-forge as a second opinion on what is made for RSA keys", () => {
  test("it reads our certificates and follows the chain", async () => {
    await using pki = await tempPki(rsa);
    const { certificate } = await pki.device("pump-1", { keyAlgorithm: "rsa:2048" });
    const [leaf, issuing, root] = [certificate, pki.authority.issuing, pki.authority.root].map(({ der }) =>
      parse(der),
    );
    if (leaf === undefined || issuing === undefined || root === undefined)
      throw new Error("unreachable: three were parsed");
    expect(leaf.subject.getField("CN").value).toBe("pump-1");
    expect(leaf.serialNumber).toBe(certificate.serialNumber);
    const store = forge.pki.createCaStore([root]);
    expect(forge.pki.verifyCertificateChain(store, [leaf, issuing])).toBe(true);
    expect(issuing.verify(leaf)).toBe(true);
  });

  test("its request becomes our certificate, and it verifies the proof of possession in ours", async () => {
    await using pki = await tempPki();
    const keys = forge.pki.rsa.generateKeyPair(2048);
    const request = forge.pki.createCertificationRequest();
    request.publicKey = keys.publicKey;
    request.setSubject([{ name: "commonName", value: "ignored" }]);
    request.sign(keys.privateKey, forge.md.sha256.create());
    const { certificate } = await pki.authority.issue({
      id: "pump-1",
      csr: forge.pki.certificationRequestToPem(request),
    });
    const pem = forge.pki.publicKeyToPem(keys.publicKey);
    expect(createPublicKey(pem).equals(certificate.publicKey)).toBe(true);

    const { privateKey } = await pki.device("pump-2", { keyAlgorithm: "rsa:2048" });
    if (privateKey === undefined) throw new Error("unreachable: the key was made here");
    const ours = await signCertificateRequest({ subject: Name.of({ CN: "x" }) }, new KeySigner(privateKey));
    expect(forge.pki.certificationRequestFromPem(encodePem("CERTIFICATE REQUEST", ours)).verify()).toBe(true);
  });

  test("it opens our PKCS#12 files", async () => {
    await using pki = await tempPki(rsa);
    const { certificate, privateKey } = await pki.device("pump-1", { keyAlgorithm: "rsa:2048" });
    if (privateKey === undefined) throw new Error("unreachable: the key was made here");
    const certificates = [certificate, pki.authority.issuing];
    const read = readRsaPkcs12(
      encodePkcs12({ privateKey, certificates, passphrase: "x", iterations: 2048 }),
      "x",
    );
    expect(read.privateKey.equals(privateKey)).toBe(true);
    expect(read.certificates.map((der) => Buffer.from(der))).toEqual(
      certificates.map(({ der }) => Buffer.from(der)),
    );
  });
});
