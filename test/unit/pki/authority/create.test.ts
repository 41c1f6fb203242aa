import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority, holdsAuthority, openAuthority } from "../../../../pki/authority/index.ts";
import {
  decodePem,
  parseCertificateList,
  parseCertificates,
  readPrivateKeyFile,
  validatePath,
} from "../../../../pki/index.ts";

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "sallyport-create-"));
  directory = join(parent, "certs");
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

const quick = { rootAlgorithm: "p256", dangerouslyDiscardRootKey: true } as const;

function refused(code: string, message = /./) {
  return expect.objectContaining({ name: "PkiError", code, message: expect.stringMatching(message) });
}

describe("making an authority", () => {
  test("root on P-384 with its key encrypted, issuing CA on P-256 with pathLen 0, gateway, lists, inventory", async () => {
    const made = await createAuthority(directory, {
      rootPassphrase: "correct horse",
      gatewayNames: ["localhost"],
    });
    expect(readdirSync(directory).toSorted()).toEqual([
      "ca.pem",
      "crl.pem",
      "gateway.cert.pem",
      "gateway.key.pem",
      "inventory.sqlite",
      "issuing.cert.pem",
      "issuing.key.pem",
      "root.cert.pem",
      "root.key.pem",
    ]);
    expect(made.wroteRootKey).toBe(true);
    expect(made.root.publicKey.asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
    expect(made.issuing.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(made.issuing.basicConstraints).toEqual({ ca: true, pathLenConstraint: 0 });
    expect(made.issuing.nameConstraints).toBeUndefined();
    const rootKey = join(directory, "root.key.pem");
    expect(readFileSync(rootKey, "utf8")).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    expect(() => readPrivateKeyFile(rootKey)).toThrow(refused("PKI_PASSPHRASE_REQUIRED"));
    expect(() => readPrivateKeyFile(rootKey, { passphrase: "wrong" })).toThrow(
      refused("PKI_WRONG_PASSPHRASE"),
    );
    const chain = parseCertificates(readFileSync(join(directory, "gateway.cert.pem"), "utf8"));
    const crls = decodePem(readFileSync(join(directory, "crl.pem"), "utf8"), "X509 CRL").map(({ der }) =>
      parseCertificateList(der),
    );
    expect(crls.map(({ issuer }) => issuer.toString())).toEqual(
      [made.issuing, made.root].map(({ subject }) => subject.toString()),
    );
    const anchors = parseCertificates(readFileSync(join(directory, "ca.pem"), "utf8"));
    const options = {
      chain,
      anchors,
      crls,
      revocation: "require",
      purpose: "serverAuth",
      now: new Date(),
    } as const;
    expect(() => validatePath({ ...options, serverName: "localhost" })).not.toThrow();

    using authority = openAuthority(directory);
    expect(authority.inventory.audit.verify().entries).toBeGreaterThan(4);
    const renewed = await authority.renewIssuing("correct horse");
    expect(renewed.publicKey.equals(made.issuing.publicKey)).toBe(true);
    await expect(authority.renewIssuing("wrong")).rejects.toThrow(refused("PKI_WRONG_PASSPHRASE"));
    await authority.writeRootCrl("correct horse");
    using again = openAuthority(directory);
    const { chainPem } = await again.issue({ id: "pump-1" });
    const leaf = parseCertificates(chainPem);
    expect(leaf[1]?.fingerprint).toBe(renewed.fingerprint);
    expect(() =>
      validatePath({ chain: leaf, anchors, purpose: "clientAuth", now: new Date() }),
    ).not.toThrow();
  });

  test("the root key is never written without a passphrase", async () => {
    await expect(createAuthority(directory, {})).rejects.toThrow(refused("PKI_PASSPHRASE_REQUIRED"));
    await expect(createAuthority(directory, { rootPassphrase: "" })).rejects.toThrow(
      refused("PKI_PASSPHRASE_REQUIRED"),
    );
    const empty = { ...quick, issuingPassphrase: "" };
    await expect(createAuthority(directory, empty)).rejects.toThrow(refused("PKI_PASSPHRASE_REQUIRED"));
    expect(holdsAuthority(directory)).toBe(false);
  });

  test("an encrypted issuing key: without its passphrase a revocation holds, its list does not", async () => {
    await createAuthority(directory, { ...quick, issuingPassphrase: "battery staple" });
    using open = openAuthority(directory, { passphrase: "battery staple" });
    const { certificate } = await open.issue({ id: "pump-1" });
    using authority = openAuthority(directory);
    await expect(authority.issue({ id: "pump-2" })).rejects.toThrow(refused("PKI_PASSPHRASE_REQUIRED"));
    const { revoked, crlError } = await authority.revoke({ id: "pump-1" });
    expect(revoked).toHaveLength(1);
    expect(crlError).toMatchObject({ code: "PKI_PASSPHRASE_REQUIRED" });
    expect(open.inventory.certificate(certificate.fingerprint)?.revokedAt).toBeDefined();
    using wrong = openAuthority(directory, { passphrase: "wrong" });
    await expect(wrong.writeCrl()).rejects.toThrow(refused("PKI_WRONG_PASSPHRASE"));
  });

  test("trust domain, organization and algorithms of choice", async () => {
    await createAuthority(directory, {
      ...quick,
      trustDomain: "plant.example",
      organization: "Plant 7",
      issuingAlgorithm: "ed25519",
      gatewayAlgorithm: "p384",
    });
    using authority = openAuthority(directory);
    expect(authority.trustDomain).toBe("plant.example");
    expect(authority.issuing.subject.toString()).toBe("CN=Plant 7 Issuing CA,O=Plant 7");
    const { certificate } = await authority.issue({ id: "pump-1" });
    expect(certificate.subjectAltName).toEqual([
      { type: "uniformResourceIdentifier", value: "spiffe://plant.example/device/pump-1" },
    ]);
  });

  test.each([{ trustDomain: "Not A Domain" }, { gatewayNames: [] }, { gatewayNames: ["*.example"] }])(
    "what does not fit leaves nothing behind: %j",
    async (wrong) => {
      await expect(createAuthority(directory, { ...quick, ...wrong })).rejects.toThrow(
        refused("PKI_PROFILE"),
      );
      expect(holdsAuthority(directory)).toBe(false);
      await createAuthority(directory, quick);
      expect(holdsAuthority(directory)).toBe(true);
    },
  );

  test("the directory is its owner's alone", async () => {
    await createAuthority(directory, quick);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });
});

describe("a directory that is not empty", () => {
  test("a second init is refused and says what is there; nothing changes", async () => {
    await createAuthority(directory, quick);
    const before = readFileSync(join(directory, "ca.pem"), "utf8");
    await expect(createAuthority(directory, quick)).rejects.toThrow(
      refused("PKI_AUTHORITY_EXISTS", /already/),
    );
    expect(readFileSync(join(directory, "ca.pem"), "utf8")).toBe(before);
  });

  test("other files stay, those that would be overwritten are named and left alone", async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, "README.md"), "mine");
    writeFileSync(join(directory, "root.key.pem"), "precious");
    await expect(createAuthority(directory, quick)).rejects.toThrow(
      refused("PKI_AUTHORITY_EXISTS", /root\.key\.pem/),
    );
    expect(readFileSync(join(directory, "root.key.pem"), "utf8")).toBe("precious");
    rmSync(join(directory, "root.key.pem"));
    await createAuthority(directory, quick);
    expect(readFileSync(join(directory, "README.md"), "utf8")).toBe("mine");
  });

  test("what an interrupted init left is cleared away", async () => {
    mkdirSync(join(directory, ".init"), { recursive: true });
    // No process has this number.
    writeFileSync(join(directory, ".init", "pid"), String(2 ** 30));
    writeFileSync(join(directory, ".init", "crl.pem"), "half");
    writeFileSync(join(directory, "root.cert.pem"), "moved up before the end");
    await createAuthority(directory, quick);
    expect(readdirSync(directory)).not.toContain(".init");
    expect(() => openAuthority(directory).close()).not.toThrow();
  });

  test("an init that is still running is not disturbed", async () => {
    mkdirSync(join(directory, ".init"), { recursive: true });
    writeFileSync(join(directory, ".init", "pid"), String(process.pid));
    await expect(createAuthority(directory, quick)).rejects.toThrow(
      refused("PKI_AUTHORITY_EXISTS", /another process/),
    );
  });

  test("a place that cannot be written is said to be one", async () => {
    writeFileSync(directory, "a file where the directory should be");
    await expect(createAuthority(directory, quick)).rejects.toThrow(
      refused("PKI_FILE_WRITE", /check the owner/),
    );
  });

  test("two at once: one makes it, the other is told so", async () => {
    const results = await Promise.allSettled([
      createAuthority(directory, quick),
      createAuthority(directory, quick),
    ]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(() => openAuthority(directory).close()).not.toThrow();
  });
});
