import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  decodePem,
  encodePem,
  generatePrivateKey,
  issueCertificate,
  type KeyAlgorithm,
  KeySigner,
  keyAlgorithms,
  makeExtension,
  Name,
  type ProfileName,
  parseCertificate,
  signCertificateList,
} from "../../pki/index.ts";
import { type TempPki, tempPki } from "../support/temp-pki.ts";

const version = spawnSync("openssl", ["version"], { encoding: "utf8" }).stdout ?? "";
const haveOpenssl = version.startsWith("OpenSSL");
/** ML-DSA came with 3.5. */
const knowsMlDsa = haveOpenssl && /^OpenSSL (?:3\.(?:[5-9]|\d\d)|[4-9])/.test(version);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-openssl-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function openssl(...args: string[]): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  return { ok: status === 0, text: stdout + stderr };
}

function file(name: string, ...certificates: Uint8Array[]): string {
  const path = join(directory, name);
  writeFileSync(path, certificates.map((der) => encodePem("CERTIFICATE", der)).join(""));
  return path;
}

const leafProfiles = [
  "gateway",
  "device",
  "operator",
  "ocsp-responder",
] as const satisfies readonly ProfileName[];
const purposes = {
  gateway: "sslserver",
  device: "sslclient",
  operator: "sslclient",
  "ocsp-responder": "ocsphelper",
};

type Made = Awaited<ReturnType<typeof make>>;
const made = new Map<KeyAlgorithm, Promise<Made>>();

/** Every profile, all its keys of one algorithm; made once, for RSA keys take seconds. */
function makeAll(algorithm: KeyAlgorithm): Promise<Made> {
  const known = made.get(algorithm) ?? make(algorithm);
  made.set(algorithm, known);
  return known;
}

async function make(algorithm: KeyAlgorithm) {
  const now = new Date();
  const [rootSigner, issuingSigner] = [1, 2].map(() => new KeySigner(generatePrivateKey(algorithm)));
  if (rootSigner === undefined || issuingSigner === undefined) throw new Error("unreachable: two were made");
  const named = (CN: string) => Name.of({ O: "Interop", CN });
  const rootRequest = { publicKey: rootSigner.publicKey, subject: named("Root"), now };
  const root = parseCertificate(await issueCertificate("root", rootRequest, rootSigner));
  const issuingRequest = { publicKey: issuingSigner.publicKey, issuer: root, subject: named("Issuing"), now };
  const issuing = parseCertificate(await issueCertificate("issuing", issuingRequest, rootSigner));
  const publicKey = createPublicKey(generatePrivateKey(algorithm));
  const identity = { trustDomain: "sallyport.internal", id: "pump-1" };
  const requests = {
    gateway: { serverNames: ["localhost", "127.0.0.1", "::1"] },
    device: { identity },
    operator: { identity },
    "ocsp-responder": { subject: named("Responder") },
  };
  const leaves = await Promise.all(
    leafProfiles.map(async (profile) => {
      const request = { publicKey, issuer: issuing, now, ...requests[profile] };
      return { profile, der: await issueCertificate(profile, request, issuingSigner) };
    }),
  );
  return { root, issuing, leaves };
}

describe("openssl verify -x509_strict accepts every profile", () => {
  test.each(keyAlgorithms)("with %s keys", async (algorithm) => {
    const { root, issuing, leaves } = await makeAll(algorithm);
    // What node:crypto was built with knows all of them, and judges signatures and issuers.
    const [rootX509, issuingX509] = [new X509Certificate(root.der), new X509Certificate(issuing.der)];
    expect(rootX509.verify(rootX509.publicKey)).toBe(true);
    expect(issuingX509.verify(rootX509.publicKey) && issuingX509.checkIssued(rootX509)).toBe(true);
    for (const { profile, der } of leaves) {
      const leaf = new X509Certificate(der);
      expect(leaf.verify(issuingX509.publicKey) && leaf.checkIssued(issuingX509), profile).toBe(true);
    }
  });

  for (const algorithm of keyAlgorithms) {
    const missing = haveOpenssl
      ? algorithm.startsWith("ml-dsa") && !knowsMlDsa
        ? `${version.trim()} has no ML-DSA`
        : ""
      : "no openssl";
    test.skipIf(missing !== "")(
      `the openssl program, with ${algorithm} keys${missing && ` (skipped: ${missing})`}`,
      async () => {
        const { root, issuing, leaves } = await makeAll(algorithm);
        const name = algorithm.replace(":", "-");
        const anchors = file(`${name}.root.pem`, root.der);
        const untrusted = file(`${name}.issuing.pem`, issuing.der);
        const strict = ["verify", "-x509_strict", "-check_ss_sig", "-CAfile", anchors];
        expect(openssl(...strict, anchors)).toMatchObject({ ok: true });
        expect(openssl(...strict, untrusted)).toMatchObject({ ok: true });
        for (const { profile, der } of leaves) {
          const leaf = file(`${name}.${profile}.pem`, der);
          const verdict = openssl(...strict, "-untrusted", untrusted, "-purpose", purposes[profile], leaf);
          expect(verdict, `${profile}: ${verdict.text}`).toMatchObject({ ok: true });
        }
        const device = join(directory, `${name}.device.pem`);
        expect(openssl(...strict, "-untrusted", untrusted, "-purpose", "sslserver", device).ok).toBe(false);
        const gateway = join(directory, `${name}.gateway.pem`);
        const hosts = [
          ["-verify_hostname", "localhost"],
          ["-verify_ip", "::1"],
        ];
        for (const host of hosts)
          expect(openssl(...strict, "-untrusted", untrusted, ...host, gateway).ok).toBe(true);
        expect(openssl(...strict, "-untrusted", untrusted, "-verify_hostname", "other", gateway).ok).toBe(
          false,
        );
      },
    );
  }
});

describe.skipIf(!haveOpenssl)(`revocation lists${haveOpenssl ? "" : " (skipped: no openssl)"}`, () => {
  let pki: TempPki;

  beforeAll(async () => {
    pki = await tempPki();
  });

  afterAll(() => pki[Symbol.dispose]());

  test("openssl crl -verify accepts both lists of crl.pem", () => {
    const lists = decodePem(readFileSync(pki.path("crl.pem"), "utf8"), "X509 CRL");
    expect(lists).toHaveLength(2);
    for (const [n, { der }] of lists.entries()) {
      const path = join(directory, `list${n}.pem`);
      writeFileSync(path, encodePem("X509 CRL", der));
      const issuer = pki.path(n === 0 ? "issuing.cert.pem" : "root.cert.pem");
      expect(openssl("crl", "-in", path, "-noout", "-verify", "-CAfile", issuer).text).toContain("verify OK");
    }
  });

  test("openssl verify -crl_check_all refuses a revoked device and accepts another", async () => {
    const [revoked, good] = [await pki.device("pump-1"), await pki.device("pump-2")];
    await pki.revoke("pump-1", "keyCompromise");
    const check = [
      "verify",
      "-x509_strict",
      "-crl_check_all",
      "-CRLfile",
      pki.path("crl.pem"),
      "-CAfile",
      pki.path("ca.pem"),
      "-untrusted",
      pki.path("issuing.cert.pem"),
    ];
    expect(openssl(...check, good.files.certificate)).toMatchObject({ ok: true });
    const verdict = openssl(...check, revoked.files.certificate);
    expect(verdict.ok).toBe(false);
    expect(verdict.text).toContain("certificate revoked");
    const text = execFileSync("openssl", ["crl", "-in", pki.path("crl.pem"), "-noout", "-text"], {
      encoding: "utf8",
    });
    expect(text).toContain("Key Compromise");
  });

  test("a list of 100 000 entries verifies", async () => {
    const key = generatePrivateKey("p256");
    const signer = new KeySigner(key);
    const subject = Name.of({ CN: "Large" });
    const now = new Date();
    const root = await issueCertificate("root", { publicKey: signer.publicKey, subject, now }, signer);
    const revoked = Array.from({ length: 100_000 }, (_, n) => ({
      serialNumber: (0x4000_0000 + n).toString(16).padStart(32, "1"),
      revocationDate: now,
      reason: n % 2 === 0 ? ("superseded" as const) : ("unspecified" as const),
    }));
    const { subjectKeyIdentifier } = parseCertificate(root);
    const extensions = [
      makeExtension.authorityKeyIdentifier(subjectKeyIdentifier ?? new Uint8Array()),
      makeExtension.cRLNumber(1),
    ];
    const nextUpdate = new Date(now.getTime() + 86_400_000);
    const der = await signCertificateList(
      { issuer: subject, thisUpdate: now, nextUpdate, revoked, extensions },
      signer,
    );
    const path = join(directory, "large.crl");
    writeFileSync(path, der);
    const verdict = openssl(
      "crl",
      "-inform",
      "DER",
      "-in",
      path,
      "-noout",
      "-verify",
      "-CAfile",
      file("large.pem", root),
    );
    expect(verdict.text).toContain("verify OK");
  });

  test.each([
    ["P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
    ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
    ["Ed25519", ["-newkey", "ed25519"]],
    ["RSA-2048", ["-newkey", "rsa:2048"]],
  ])(
    "a request that openssl made with a %s key becomes a certificate that openssl accepts",
    async (name, newKey) => {
      const [key, csr] = [join(directory, `${name}.key`), join(directory, `${name}.csr`)];
      const subject = ["-subj", "/C=XX/O=Somebody/CN=admin", "-addext", "subjectAltName=DNS:gateway.example"];
      execFileSync("openssl", ["req", "-new", "-nodes", ...newKey, ...subject, "-keyout", key, "-out", csr], {
        stdio: "pipe",
      });
      const id = `csr-${name}`;
      const { chainPem, certificate } = await pki.authority.issue({ id, csr: readFileSync(csr, "utf8") });
      const path = join(directory, `${name}.pem`);
      writeFileSync(path, chainPem);
      expect(
        openssl(
          "verify",
          "-x509_strict",
          "-CAfile",
          pki.path("ca.pem"),
          "-untrusted",
          pki.path("issuing.cert.pem"),
          path,
        ),
      ).toMatchObject({ ok: true });
      expect(new X509Certificate(certificate.der).subjectAltName).toBe(
        `URI:spiffe://sallyport.internal/device/${id}`,
      );
      expect(openssl("x509", "-in", path, "-noout", "-pubkey").text).toBe(
        openssl("pkey", "-in", key, "-pubout").text,
      );
    },
  );
});
