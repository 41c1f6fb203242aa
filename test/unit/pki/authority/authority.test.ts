import { createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { numberedIds, openAuthority } from "../../../../pki/authority/index.ts";
import {
  decodePem,
  ExtendedKeyUsage,
  encodePem,
  generatePrivateKey,
  type KeyAlgorithm,
  KeySigner,
  makeExtension,
  Name,
  parseCertificateList,
  parseCertificates,
  readIdentity,
  signCertificateRequest,
  spkiPin,
  validatePath,
} from "../../../../pki/index.ts";
import { type TempPki, tempPki } from "../../../support/temp-pki.ts";

let pki: TempPki;

beforeEach(async () => {
  pki = await tempPki();
});

afterEach(() => pki[Symbol.dispose]());

function refused(code: string, message = /./) {
  return expect.objectContaining({ name: "PkiError", code, message: expect.stringMatching(message) });
}

function lastEntry() {
  const { seq } = pki.inventory.audit.head();
  const [entry] = pki.inventory.audit.entries({ from: seq });
  return { action: entry?.action, subject: entry?.subject, details: JSON.parse(entry?.details ?? "{}") };
}

function issuingCrl() {
  const [block] = decodePem(readFileSync(pki.path("crl.pem"), "utf8"), "X509 CRL");
  return parseCertificateList(block?.der ?? new Uint8Array());
}

async function csrFor(
  key = generatePrivateKey("p256"),
  extensions: Parameters<typeof signCertificateRequest>[0]["extensions"] = [],
) {
  return signCertificateRequest(
    { subject: Name.of({ CN: "somebody-else" }), extensions },
    new KeySigner(key),
  );
}

describe("issuing", () => {
  test("a device's certificate names its id in one URI and validates against the root", async () => {
    const { certificate, privateKey, chainPem, caPem } = await pki.device("pump-1");
    expect(readIdentity(certificate)).toEqual({
      kind: "device",
      trustDomain: "sallyport.internal",
      id: "pump-1",
    });
    expect(certificate.extendedKeyUsage).toEqual([ExtendedKeyUsage.clientAuth]);
    const chain = parseCertificates(chainPem);
    expect(chain.map(({ fingerprint }) => fingerprint)).toEqual([
      certificate.fingerprint,
      pki.authority.issuing.fingerprint,
    ]);
    const anchors = parseCertificates(caPem);
    expect(() => validatePath({ chain, anchors, purpose: "clientAuth", now: new Date() })).not.toThrow();
    expect(privateKey && createPublicKey(privateKey).equals(certificate.publicKey)).toBe(true);
  });

  test("an operator's certificate says operator", async () => {
    const { certificate } = await pki.operator("alice");
    expect(readIdentity(certificate)).toMatchObject({ kind: "operator", id: "alice" });
  });

  test("a certificate is in the inventory before the caller has it, and in the audit log", async () => {
    const { certificate } = await pki.device("pump-1", { group: "cellar" });
    const elsewhere = openAuthority(pki.directory);
    expect(elsewhere.inventory.certificate(certificate.fingerprint)).toMatchObject({
      identityKind: "device",
      identityId: "pump-1",
      profile: "device",
      serialNumber: certificate.serialNumber,
      der: certificate.der,
    });
    expect(elsewhere.inventory.device("pump-1")?.group).toBe("cellar");
    elsewhere.close();
    expect(lastEntry()).toMatchObject({
      action: "certificate.issue",
      details: { fingerprint: certificate.fingerprint },
    });
  });

  test("when the inventory cannot be written, no certificate comes out", async () => {
    pki.inventory.close();
    await expect(pki.authority.issue({ id: "pump-1" })).rejects.toThrow(/./);
  });

  test("an id that is taken is refused, with an audit entry", async () => {
    await pki.device("pump-1");
    await expect(pki.authority.issue({ id: "pump-1" })).rejects.toThrow(refused("PKI_DEVICE_EXISTS"));
    await expect(pki.authority.issue({ id: "Pump-1" })).rejects.toThrow(refused("PKI_DEVICE_EXISTS"));
    expect(lastEntry()).toMatchObject({
      action: "certificate.refuse",
      details: { code: "PKI_DEVICE_EXISTS" },
    });
  });

  test("a topic-breaking id is refused, with an audit entry", async () => {
    await expect(pki.authority.issue({ id: "a/#" })).rejects.toThrow(refused("PKI_IDENTITY_NAME"));
    expect(lastEntry()).toMatchObject({ action: "certificate.refuse", subject: "device/a/#" });
    expect(pki.inventory.counts().devices).toBe(0);
  });

  test.each<KeyAlgorithm>(["p384", "ed25519", "rsa:2048", "ml-dsa-44"])(
    "with a %s key made here",
    async (keyAlgorithm) => {
      const { certificate, privateKey } = await pki.device("pump-1", { keyAlgorithm });
      expect(privateKey && createPublicKey(privateKey).equals(certificate.publicKey)).toBe(true);
    },
  );

  test("a certificate never outlives the issuing CA", async () => {
    const { certificate } = await pki.device("pump-1", { validityDays: 36_000 });
    expect(certificate.notAfter).toEqual(pki.authority.issuing.notAfter);
  });

  test("a key passed in is certified without leaving anything else behind", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const issued = await pki.authority.issue({ id: "pump-1", publicKey });
    expect(issued.certificate.publicKey.equals(publicKey)).toBe(true);
    expect(issued).not.toHaveProperty("privateKey");
  });
});

describe("from a certificate request", () => {
  test("E-01, E-02: its names and extensions are ignored, its key is used", async () => {
    const key = generatePrivateKey("p256");
    const csr = await csrFor(key, [
      makeExtension.basicConstraints({ ca: true }),
      makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth),
      makeExtension.subjectAltName([{ type: "dNSName", value: "gateway.example" }]),
    ]);
    const { certificate } = await pki.authority.issue({ id: "pump-1", csr });
    expect(certificate.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(certificate.basicConstraints?.ca ?? false).toBe(false);
    expect(certificate.extendedKeyUsage).toEqual([ExtendedKeyUsage.clientAuth]);
    expect(certificate.subjectAltName).toEqual([
      { type: "uniformResourceIdentifier", value: "spiffe://sallyport.internal/device/pump-1" },
    ]);
    expect(certificate.subject.toString()).toBe("CN=pump-1");
  });

  test("PEM is read too, one request of it", async () => {
    const pem = encodePem("CERTIFICATE REQUEST", await csrFor());
    await pki.authority.issue({ id: "pump-1", csr: `made by a tool\n${pem}` });
    const other = encodePem("CERTIFICATE REQUEST", await csrFor());
    await expect(pki.authority.issue({ id: "pump-2", csr: other + pem })).rejects.toThrow(
      refused("PKI_PEM_MALFORMED"),
    );
  });

  test("E-03: a request that another key signed is refused and changes nothing", async () => {
    const csr = await csrFor();
    const last = csr.length - 1;
    csr[last] = (csr[last] ?? 0) ^ 1;
    await expect(pki.authority.issue({ id: "pump-1", csr })).rejects.toThrow(
      refused("PKI_CSR_PROOF_OF_POSSESSION"),
    );
    expect(pki.inventory.counts()).toMatchObject({ devices: 0 });
    expect(lastEntry()).toMatchObject({
      action: "certificate.refuse",
      details: { code: "PKI_CSR_PROOF_OF_POSSESSION" },
    });
  });

  test("E-08: one key for two devices is refused", async () => {
    const key = generatePrivateKey("p256");
    await pki.authority.issue({ id: "pump-1", csr: await csrFor(key) });
    await expect(pki.authority.issue({ id: "pump-2", csr: await csrFor(key) })).rejects.toThrow(
      refused("PKI_DUPLICATE_KEY"),
    );
    expect(pki.inventory.device("pump-2")).toBeUndefined();
  });

  test("E-08: the issuing CA's own key and the gateway's are refused", async () => {
    for (const publicKey of [
      pki.authority.issuing.publicKey,
      pki.authority.root.publicKey,
      new X509Certificate(readFileSync(pki.path("gateway.cert.pem"))).publicKey,
    ]) {
      await expect(pki.authority.issue({ id: "pump-1", publicKey })).rejects.toThrow(
        refused("PKI_DUPLICATE_KEY"),
      );
    }
  });

  test("E-08: a weak key is refused", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    await expect(pki.authority.issue({ id: "pump-1", publicKey })).rejects.toThrow(
      refused("PKI_PUBLIC_KEY_WEAK"),
    );
  });

  test("bytes that are no request are refused", async () => {
    await expect(pki.authority.issue({ id: "pump-1", csr: Uint8Array.of(0x30, 0) })).rejects.toThrow(/./);
    await expect(pki.authority.issue({ id: "pump-1", csr: "no PEM" })).rejects.toThrow(
      refused("PKI_PEM_MALFORMED"),
    );
    expect(pki.inventory.counts().devices).toBe(0);
  });
});

describe("issuing many", () => {
  test("each of them is recorded, and progress is told", async () => {
    const progress: number[] = [];
    const ids = numberedIds("pump-", 300);
    expect(ids[0]).toBe("pump-001");
    const fingerprints: string[] = [];
    const request = { ids, group: "fleet", onProgress: (done: number) => progress.push(done) };
    for await (const { certificate } of pki.authority.issueMany(request)) {
      expect(pki.inventory.certificate(certificate.fingerprint)).toBeDefined();
      fingerprints.push(certificate.fingerprint);
    }
    expect(new Set(fingerprints).size).toBe(300);
    expect(progress).toEqual([256, 300]);
    expect(pki.inventory.devices({ group: "fleet" })).toHaveLength(300);
    expect(pki.inventory.audit.verify().entries).toBeGreaterThan(600);
  });

  test("one bad id refuses the whole order before anything is made", async () => {
    await pki.device("pump-3");
    const drain = async () => {
      for await (const _ of pki.authority.issueMany({ ids: numberedIds("pump-", 5) }));
    };
    await expect(drain()).rejects.toThrow(refused("PKI_DEVICE_EXISTS"));
    expect(pki.inventory.counts().devices).toBe(1);
  });
});

describe("renewing", () => {
  test("a new certificate for the same identity, the old one stays good", async () => {
    const first = await pki.device("pump-1");
    const second = await pki.authority.renew({ id: "pump-1" });
    expect(readIdentity(second.certificate)).toEqual(readIdentity(first.certificate));
    expect(second.certificate.publicKey.equals(first.certificate.publicKey)).toBe(false);
    expect(pki.inventory.certificatesOf("pump-1").map(({ fingerprint }) => fingerprint)).toEqual([
      second.certificate.fingerprint,
      first.certificate.fingerprint,
    ]);
    expect(lastEntry().action).toBe("certificate.renew");
  });

  test("the same key when asked, and an operator stays one", async () => {
    const first = await pki.operator("alice");
    const second = await pki.authority.renew({ id: "alice", sameKey: true });
    expect(spkiPin(second.certificate)).toBe(spkiPin(first.certificate));
    expect(second.kind).toBe("operator");
    expect(second.certificate.serialNumber).not.toBe(first.certificate.serialNumber);
  });

  test("E-07: after a revocation only when said so, and never with a compromised key", async () => {
    await pki.device("pump-1");
    await pki.revoke("pump-1", "keyCompromise");
    await expect(pki.authority.renew({ id: "pump-1" })).rejects.toThrow(refused("PKI_CERTIFICATE_REVOKED"));
    const again = { id: "pump-1", afterRevocation: true };
    await expect(pki.authority.renew({ ...again, sameKey: true })).rejects.toThrow(
      refused("PKI_DUPLICATE_KEY"),
    );
    await expect(pki.authority.renew(again)).resolves.toBeDefined();
  });

  test("an unknown or retired device is refused", async () => {
    await expect(pki.authority.renew({ id: "pump-9" })).rejects.toThrow(refused("PKI_DEVICE_UNKNOWN"));
    await pki.device("pump-1");
    pki.inventory.retireDevice("pump-1");
    await expect(pki.authority.renew({ id: "pump-1" })).rejects.toThrow(refused("PKI_DEVICE_RETIRED"));
  });
});

describe("revoking", () => {
  test("all certificates of a device, and the list says so", async () => {
    const first = await pki.device("pump-1");
    const second = await pki.authority.renew({ id: "pump-1" });
    const other = await pki.device("pump-2");
    const { revoked, crlError } = await pki.authority.revoke({
      id: "pump-1",
      reason: "cessationOfOperation",
    });
    expect(crlError).toBeUndefined();
    expect(revoked).toHaveLength(2);
    const crl = issuingCrl();
    expect([...crl.revoked.keys()].toSorted()).toEqual(
      [first, second].map(({ certificate }) => certificate.serialNumber).toSorted(),
    );
    expect(crl.revoked.get(first.certificate.serialNumber)?.reason).toBe("cessationOfOperation");
    expect(crl.revoked.has(other.certificate.serialNumber)).toBe(false);
  });

  test("one certificate by its fingerprint", async () => {
    const first = await pki.device("pump-1");
    const second = await pki.authority.renew({ id: "pump-1" });
    await pki.authority.revoke({ id: "pump-1", fingerprint: first.certificate.fingerprint });
    expect([...issuingCrl().revoked.keys()]).toEqual([first.certificate.serialNumber]);
    expect(pki.inventory.certificate(second.certificate.fingerprint)?.revokedAt).toBeUndefined();
  });

  test("an unknown device, or a certificate of another one, is refused", async () => {
    const { certificate } = await pki.device("pump-1");
    await pki.device("pump-2");
    const wrong = { id: "pump-2", fingerprint: certificate.fingerprint };
    await expect(pki.authority.revoke(wrong)).rejects.toThrow(refused("PKI_CERTIFICATE_UNKNOWN"));
    await expect(pki.authority.revoke({ id: "pump-9" })).rejects.toThrow(refused("PKI_CERTIFICATE_UNKNOWN"));
    expect(lastEntry().action).toBe("revocation.refuse");
  });

  test("a list that cannot be written does not undo the revocation", async () => {
    const { certificate } = await pki.device("pump-1");
    rmSync(pki.path("crl.pem"));
    // A directory in its place: the rename fails, as on a disk that lets nothing be written.
    mkdirSync(pki.path("crl.pem"));
    const { revoked, crlError } = await pki.authority.revoke({ id: "pump-1" });
    expect(revoked).toHaveLength(1);
    expect(crlError).toMatchObject({ code: "PKI_FILE_WRITE" });
    expect(pki.inventory.certificate(certificate.fingerprint)?.revokedAt).toBeDefined();
  });

  test("E-11: CRL numbers only grow, also when lists are signed at the same time", async () => {
    const before = Number(`0x${issuingCrl().cRLNumber}`);
    const numbers = await Promise.all([1, 2, 3, 4].map(async () => (await pki.authority.writeCrl()).number));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4].map((n) => before + n));
    expect(Number(`0x${issuingCrl().cRLNumber}`)).toBe(before + 4);
  });

  test("RFC 5280 §3.3: an entry leaves the list some time after its certificate has ended", async () => {
    await pki.device("pump-1", { issuedDaysAgo: 50, validityDays: 1 });
    await pki.revoke("pump-1");
    expect(issuingCrl().revoked.size).toBe(1);
    await pki.at(new Date(Date.now() + 100 * 86_400_000), () => pki.authority.writeCrl());
    expect(issuingCrl().revoked.size).toBe(0);
  });
});

describe("keys and files", () => {
  test("E-12: private keys are the owner's alone, certificates are for everybody", () => {
    for (const name of ["issuing.key.pem", "gateway.key.pem", "inventory.sqlite"]) {
      expect(statSync(pki.path(name)).mode & 0o777, name).toBe(0o600);
    }
    for (const name of ["ca.pem", "crl.pem", "gateway.cert.pem"])
      expect(statSync(pki.path(name)).mode & 0o777).toBe(0o644);
  });

  test("E-12: an issuing key that others may read is refused", async () => {
    chmodSync(pki.path("issuing.key.pem"), 0o644);
    const authority = openAuthority(pki.directory);
    await expect(authority.issue({ id: "pump-1" })).rejects.toThrow(refused("PKI_KEY_PERMISSIONS", /chmod/));
    authority.close();
  });

  test("a key that is not the issuing CA's is refused", async () => {
    rmSync(pki.path("issuing.key.pem"));
    const { writePrivateKeyFile } = await import("../../../../pki/index.ts");
    writePrivateKeyFile(pki.path("issuing.key.pem"), generatePrivateKey("p256"));
    const authority = openAuthority(pki.directory);
    await expect(authority.issue({ id: "pump-1" })).rejects.toThrow(refused("PKI_AUTHORITY_DAMAGED"));
    authority.close();
  });

  test("a missing authority is said to be missing", () => {
    expect(() => openAuthority(pki.path("nowhere"))).toThrow(
      refused("PKI_AUTHORITY_MISSING", /sallyport init/),
    );
  });

  test("without its root key everything works but renewing the issuing CA", async () => {
    await expect(pki.authority.renewIssuing("x")).rejects.toThrow(refused("PKI_ROOT_KEY_ABSENT"));
    await expect(pki.authority.writeRootCrl("x")).rejects.toThrow(refused("PKI_ROOT_KEY_ABSENT"));
  });
});

describe("the gateway's certificate", () => {
  const gateway = () => parseCertificates(readFileSync(pki.path("gateway.cert.pem"), "utf8"))[0];

  test("is renewed with its names and its key, so pins hold", async () => {
    const before = gateway();
    const after = await pki.authority.issueGateway();
    expect(gateway()?.fingerprint).toBe(after.fingerprint);
    expect(after.fingerprint).not.toBe(before?.fingerprint);
    expect(after.subjectAltName).toEqual(before?.subjectAltName);
    expect(before && spkiPin(after) === spkiPin(before)).toBe(true);
    expect(after.extendedKeyUsage).toEqual([ExtendedKeyUsage.serverAuth]);
  });

  test("takes other names and a new key when asked, and key and certificate fit", async () => {
    const after = await pki.authority.issueGateway({ names: ["gate.example", "192.0.2.1"], newKey: "p384" });
    const key = readFileSync(pki.path("gateway.key.pem"), "utf8");
    expect(createPublicKey(key).equals(after.publicKey)).toBe(true);
    const anchors = [pki.authority.root];
    const chain = parseCertificates(readFileSync(pki.path("gateway.cert.pem"), "utf8"));
    for (const serverName of ["gate.example", "192.0.2.1"]) {
      expect(() =>
        validatePath({ chain, anchors, purpose: "serverAuth", now: new Date(), serverName }),
      ).not.toThrow();
    }
  });

  test("a change that was cut off before the key took its place is finished on opening", async () => {
    const { copyFileSync } = await import("node:fs");
    copyFileSync(pki.path("gateway.key.pem"), pki.path("old"));
    const after = await pki.authority.issueGateway({ newKey: "p256" });
    copyFileSync(pki.path("gateway.key.pem"), pki.path("gateway.next.key.pem"));
    copyFileSync(pki.path("old"), pki.path("gateway.key.pem"));
    openAuthority(pki.directory).close();
    expect(createPublicKey(readFileSync(pki.path("gateway.key.pem"), "utf8")).equals(after.publicKey)).toBe(
      true,
    );
  });
});
