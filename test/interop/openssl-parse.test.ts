import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodePem,
  encodePrivateKey,
  parseCertificateList,
  parseCertificateRequest,
  parseCertificates,
  readPrivateKeyFile,
  spkiPin,
  verifyProofOfPossession,
  verifySignature,
  writePrivateKeyFile,
} from "../../pki/index.ts";
import { pkiErrorCode } from "../support/pki-error-code.ts";

const CONFIG = `
[req]
distinguished_name = dn
x509_extensions = v3
req_extensions = wanted
[dn]
[v3]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer:always
certificatePolicies = 1.2.3.4
nameConstraints = critical,permitted;DNS:example,excluded;IP:10.0.0.0/255.0.0.0
[wanted]
subjectAltName = DNS:a.example,IP:::1,URI:urn:x,email:a@b.example,dirName:dir,otherName:1.2.3;UTF8:x
[dir]
CN = dir
[ca]
default_ca = own
[own]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 7
certificate = EC.pem
private_key = EC.key
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid:always
`;

const missing = spawnSync("openssl", ["version"]).status !== 0;

describe.skipIf(missing)("what the openssl program writes (skipped when it is not installed)", () => {
  let directory = "";
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  };
  const text = (name: string): string => readFileSync(join(directory, name), "utf8");
  const kinds = [
    ["EC", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
    ["P384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"]],
    ["RSA", ["-newkey", "rsa:2048"]],
    ["Ed25519", ["-newkey", "ed25519"]],
  ] as const;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "sallyport-openssl-"));
    writeFileSync(join(directory, "x.cnf"), CONFIG);
    for (const [kind, newkey] of kinds) {
      const common = [
        "-config",
        "x.cnf",
        "-nodes",
        "-keyout",
        `${kind}.key`,
        "-subj",
        "/C=CH/O=Test/CN=openssl",
      ];
      openssl("req", "-x509", ...newkey, ...common, "-days", "30", "-out", `${kind}.pem`);
      openssl(
        "req",
        "-new",
        "-key",
        `${kind}.key`,
        "-config",
        "x.cnf",
        "-subj",
        "/CN=wanted",
        "-out",
        `${kind}.csr`,
      );
    }
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(kinds)("%s certificate: every field is read and the signature verifies", (kind) => {
    const [certificate] = parseCertificates(text(`${kind}.pem`));
    if (certificate === undefined) throw new Error("no certificate");
    expect(certificate.subject.toString()).toBe("CN=openssl,O=Test,C=CH");
    expect(certificate.basicConstraints).toEqual({ ca: true, pathLenConstraint: 1 });
    expect([...(certificate.keyUsage ?? [])]).toEqual(["keyCertSign", "cRLSign"]);
    expect(certificate.nameConstraints?.permittedSubtrees).toEqual([{ type: "dNSName", value: "example" }]);
    expect(certificate.authorityKeyIdentifier).toEqual(certificate.subjectKeyIdentifier);
    expect(verifySignature(certificate, certificate.publicKey)).toBe(true);
  });

  it.each(kinds)("%s request: the requested names are read, and possession is proven", (kind) => {
    const [block] = decodePem(text(`${kind}.csr`), "CERTIFICATE REQUEST");
    const request = parseCertificateRequest(block?.der ?? new Uint8Array(0));
    expect(request.requestedSubjectAltName?.map((name) => name.type)).toEqual([
      "dNSName",
      "iPAddress",
      "uniformResourceIdentifier",
      "rfc822Name",
      "directoryName",
      "otherName",
    ]);
    expect(spkiPin(verifyProofOfPossession(request))).toBe(
      spkiPin(parseCertificates(text(`${kind}.pem`))[0]?.publicKey ?? Buffer.of()),
    );
  });

  it("a revocation list with a revoked certificate, and an empty one", () => {
    writeFileSync(join(directory, "index.txt"), "");
    writeFileSync(join(directory, "crlnumber"), "0A\n");
    openssl("ca", "-config", "x.cnf", "-gencrl", "-out", "empty.crl");
    openssl("ca", "-config", "x.cnf", "-revoke", "RSA.pem", "-crl_reason", "keyCompromise");
    openssl("ca", "-config", "x.cnf", "-gencrl", "-out", "one.crl");
    const [empty, one] = ["empty.crl", "one.crl"].map((name) =>
      parseCertificateList(decodePem(text(name), "X509 CRL")[0]?.der ?? new Uint8Array(0)),
    );
    const [issuer] = parseCertificates(text("EC.pem"));
    const [revoked] = parseCertificates(text("RSA.pem"));
    expect(empty?.revoked.size).toBe(0);
    expect(one?.cRLNumber).toBe("0b");
    expect(one?.revoked.get(revoked?.serialNumber ?? "")?.reason).toBe("keyCompromise");
    expect(one && issuer && verifySignature(one, issuer.publicKey)).toBe(true);
    expect(one?.authorityKeyIdentifier).toEqual(issuer?.subjectKeyIdentifier);
  });

  it("RFC 5480 §2.1.1: explicit EC parameters are refused", () => {
    const explicit = ["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"];
    const common = ["-config", "x.cnf", "-nodes", "-keyout", "explicit.key", "-subj", "/CN=explicit"];
    openssl("req", "-x509", "-newkey", "ec", ...explicit, ...common, "-out", "explicit.pem");
    expect(pkiErrorCode(() => parseCertificates(text("explicit.pem")))).toBe("PKI_PUBLIC_KEY_INVALID");
  });

  it.each(kinds)("%s key that we encrypt: OpenSSL opens it", (kind) => {
    const key = readPrivateKeyFile(join(directory, `${kind}.key`));
    writePrivateKeyFile(join(directory, "ours.key"), key, { passphrase: "open" });
    openssl("pkey", "-in", "ours.key", "-passin", "pass:open", "-out", "copy.key");
    expect(text("copy.key")).toBe(encodePrivateKey(key));
    expect(() => {
      openssl("pkey", "-in", "ours.key", "-passin", "pass:wrong", "-out", "copy.key");
    }).toThrow(/bad decrypt|Could not read key/);
  });

  it("private keys in PKCS#8, SEC 1 and PKCS#1, plain and encrypted", () => {
    for (const [kind, extra] of [
      ["EC", []],
      ["RSA", ["-traditional"]],
      ["EC", ["-traditional"]],
      ["EC", ["-aes256", "-passout", "pass:open"]],
      ["RSA", ["-aes256", "-passout", "pass:open", "-traditional"]],
    ] as const) {
      openssl("pkey", "-in", `${kind}.key`, ...extra, "-out", "copy.key");
      const key = readPrivateKeyFile(join(directory, "copy.key"), { passphrase: "open" });
      expect(key.equals(readPrivateKeyFile(join(directory, `${kind}.key`)))).toBe(true);
      const isEncrypted = extra.some((word) => word === "-aes256");
      const code = pkiErrorCode(() => readPrivateKeyFile(join(directory, "copy.key")));
      expect(code).toBe(isEncrypted ? "PKI_PASSPHRASE_REQUIRED" : undefined);
    }
  });
});
