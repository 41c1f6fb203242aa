import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodePkcs12,
  encodePem,
  encodePkcs12,
  encodePrivateKey,
  generatePrivateKey,
  issueCertificate,
  type KeyAlgorithm,
  KeySigner,
  Name,
  parseCertificate,
  parseCertificates,
} from "../../pki/index.ts";
import { pkiErrorCode } from "../support/pki-error-code.ts";

const now = new Date();
const passphrase = "correct horse";
const algorithms = ["p256", "p384", "ed25519", "rsa:2048"] as const satisfies readonly KeyAlgorithm[];
const isMissing = (program: string): boolean => spawnSync(program, ["--version"]).error !== undefined;
const rootSigner = new KeySigner(generatePrivateKey("p256"));
const root = parseCertificate(
  await issueCertificate(
    "root",
    { now, publicKey: rootSigner.publicKey, subject: Name.of({ CN: "R" }) },
    rootSigner,
  ),
);
let directory = "";
const path = (name: string): string => join(directory, name);
const files = (algorithm: string): string => algorithm.replace(":", "");

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-pkcs12-"));
  for (const algorithm of algorithms) {
    const privateKey = generatePrivateKey(algorithm);
    const { publicKey } = new KeySigner(privateKey);
    const identity = { trustDomain: "a.example", id: "pump-7" };
    const der = await issueCertificate("device", { now, publicKey, issuer: root, identity }, rootSigner);
    const certificates = [parseCertificate(der), root];
    writeFileSync(
      path(`${files(algorithm)}.p12`),
      encodePkcs12({ privateKey, certificates, passphrase, friendlyName: "pump-7" }),
    );
    writeFileSync(path(`${files(algorithm)}.key`), encodePrivateKey(privateKey), { mode: 0o600 });
    writeFileSync(path(`${files(algorithm)}.pem`), encodePem("CERTIFICATE", der));
  }
  writeFileSync(path("root.pem"), encodePem("CERTIFICATE", root.der));
}, 60_000);
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] }).toString();
}

describe.skipIf(isMissing("openssl"))("OpenSSL (skipped when the openssl program is not installed)", () => {
  it.each(algorithms)("%s: opens what we write", (algorithm) => {
    const file = `${files(algorithm)}.p12`;
    const text = run("openssl", "pkcs12", "-in", file, "-passin", `pass:${passphrase}`, "-nodes");
    const [leaf, issuer] = parseCertificates(
      text.replace(/-----BEGIN PRIVATE KEY[^]*?END PRIVATE KEY-----/, ""),
    );
    expect(leaf?.subject.toString()).toBe("CN=pump-7");
    expect(issuer?.fingerprint).toBe(root.fingerprint);
    expect(text).toContain("friendlyName: pump-7");
    expect(text).toContain(readFileSync(path(`${files(algorithm)}.key`), "utf8").trim());
    expect(() => run("openssl", "pkcs12", "-in", file, "-passin", "pass:wrong", "-nodes")).toThrow(
      /mac verify/i,
    );
  });

  it.each(algorithms)("%s: writes what we open", (algorithm) => {
    const name = files(algorithm);
    const inputs = ["-inkey", `${name}.key`, "-in", `${name}.pem`, "-certfile", "root.pem"];
    run("openssl", "pkcs12", "-export", ...inputs, "-out", "theirs.p12", "-passout", `pass:${passphrase}`);
    const { privateKey, certificates } = decodePkcs12(readFileSync(path("theirs.p12")), passphrase);
    expect(privateKey && encodePrivateKey(privateKey)).toBe(readFileSync(path(`${name}.key`), "utf8"));
    expect(certificates.map((c) => c.subject.toString())).toEqual(["CN=pump-7", "CN=R"]);
  });

  it("what it writes with 3DES, or without a MAC, is refused with a reason", () => {
    const inputs = ["-inkey", "p256.key", "-in", "p256.pem", "-passout", `pass:${passphrase}`];
    const weak = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    run("openssl", "pkcs12", "-export", ...inputs, ...weak, "-out", "weak.p12");
    run("openssl", "pkcs12", "-export", ...inputs, "-nomac", "-out", "nomac.p12");
    for (const name of ["weak.p12", "nomac.p12"]) {
      expect(pkiErrorCode(() => decodePkcs12(readFileSync(path(name)), passphrase))).toBe(
        "PKI_PKCS12_UNSUPPORTED",
      );
    }
  });
});

describe.skipIf(isMissing("certtool"))("GnuTLS (skipped when the certtool program is not installed)", () => {
  it.each(algorithms)("%s: opens what we write", (algorithm) => {
    const file = `${files(algorithm)}.p12`;
    const text = run("certtool", "--p12-info", "--inder", "--infile", file, "--password", passphrase);
    expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(text).toMatch(/BEGIN (ENCRYPTED )?PRIVATE KEY/);
    expect(text).toContain("Friendly name: pump-7");
  });

  it("writes what we open", () => {
    const inputs = ["--load-privkey", "p256.key", "--load-certificate", "p256.pem", "--p12-name", "x"];
    const options = ["--password", passphrase, "--pkcs-cipher", "aes-256", "--outder", "--hash", "SHA256"];
    run("certtool", "--to-p12", ...inputs, ...options, "--outfile", "gnutls.p12");
    const { privateKey, certificates } = decodePkcs12(readFileSync(path("gnutls.p12")), passphrase);
    expect(privateKey && encodePrivateKey(privateKey)).toBe(readFileSync(path("p256.key"), "utf8"));
    expect(certificates).toHaveLength(1);
  });
});
