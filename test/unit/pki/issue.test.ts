import { describe, expect, it } from "vitest";
import { PkiError } from "../../../pki/errors.ts";
import {
  AttributeType,
  type Certificate,
  ExtendedKeyUsage,
  Extension,
  exportPublicKey,
  generatePrivateKey,
  issueCertificate,
  KeySigner,
  keyAlgorithms,
  keyIdentifierOf,
  makeExtension,
  Name,
  NO_EXPIRY,
  type ProfileName,
  type ProfileRequest,
  parseCertificate,
  parseCertificateRequest,
  randomSerialNumber,
  readIdentity,
  signCertificateRequest,
  verifyProofOfPossession,
  verifySignature,
} from "../../../pki/index.ts";
import { certificateFor } from "../../../pki/issue.ts";
import { importPublicKey } from "../../../pki/x509/public-key.ts";
import { extensionsField, forgeCertificate } from "../../support/forge-certificate.ts";
import { pkiErrorCode } from "../../support/pki-error-code.ts";

const now = new Date("2026-11-23T12:00:00.500Z");
const rootSigner = new KeySigner(generatePrivateKey("p384"));
const issuingSigner = new KeySigner(generatePrivateKey("p256"));
const device = new KeySigner(generatePrivateKey("p256"));
const identity = { trustDomain: "a.example", id: "pump-7" };

async function make(
  profile: ProfileName,
  request: Omit<ProfileRequest, "now">,
  signer: KeySigner,
): Promise<Certificate> {
  return parseCertificate(await issueCertificate(profile, { now, ...request }, signer));
}

const root = await make(
  "root",
  { publicKey: rootSigner.publicKey, subject: Name.of({ O: "X", CN: "Root" }) },
  rootSigner,
);
const issuing = await make(
  "issuing",
  { publicKey: issuingSigner.publicKey, issuer: root, subject: Name.of({ O: "X", CN: "Issuing" }) },
  rootSigner,
);
const leafRequests = {
  gateway: { serverNames: ["Gateway.Example", "localhost", "127.0.0.1", "fe80::1"] },
  device: { identity },
  operator: { identity },
  "ocsp-responder": { subject: Name.of({ CN: "OCSP" }) },
} as const;
const leafProfiles = ["gateway", "device", "operator", "ocsp-responder"] as const;
const leaves = new Map<string, Certificate>();
for (const profile of leafProfiles) {
  leaves.set(
    profile,
    await make(
      profile,
      { publicKey: device.publicKey, issuer: issuing, ...leafRequests[profile] },
      issuingSigner,
    ),
  );
}
function leaf(profile: (typeof leafProfiles)[number]): Certificate {
  const certificate = leaves.get(profile);
  if (certificate === undefined) throw new Error(profile);
  return certificate;
}
const codeFor = (
  profile: ProfileName,
  request: Omit<ProfileRequest, "now" | "publicKey">,
): string | undefined =>
  pkiErrorCode(() => certificateFor(profile, { now, publicKey: device.publicKey, ...request }));

describe("profile root", () => {
  it("is a version 3 CA certificate that signs itself, with SKI and without AKI, EKU or path length", () => {
    expect(root.version).toBe(3);
    expect(root.isSelfIssued).toBe(true);
    expect(verifySignature(root, root.publicKey)).toBe(true);
    expect(root.basicConstraints).toEqual({ ca: true });
    expect(root.subjectKeyIdentifier).toEqual(keyIdentifierOf(root.subjectPublicKeyInfo));
    expect(root.authorityKeyIdentifier).toBeUndefined();
    expect(root.extendedKeyUsage).toBeUndefined();
    expect([...(root.keyUsage ?? [])]).toEqual(["keyCertSign", "cRLSign"]);
  });
});

describe("profile issuing", () => {
  it("is a CA of path length 0 under the root", () => {
    expect(issuing.basicConstraints).toEqual({ ca: true, pathLenConstraint: 0 });
    expect(issuing.issuer.equals(root.subject)).toBe(true);
    expect(issuing.authorityKeyIdentifier).toEqual(root.subjectKeyIdentifier);
    expect(verifySignature(issuing, root.publicKey)).toBe(true);
    expect(issuing.extendedKeyUsage).toBeUndefined();
  });

  it("carries name constraints, critical, when they are asked for", () => {
    const nameConstraints = {
      permittedSubtrees: [{ type: "dNSName", value: "a.example" }],
      excludedSubtrees: [],
    } as const;
    const fields = certificateFor("issuing", {
      now,
      publicKey: device.publicKey,
      issuer: root,
      subject: Name.of({ CN: "x" }),
      nameConstraints,
      pathLenConstraint: 2,
    });
    expect(fields.extensions.find((e) => e.oid === Extension.nameConstraints)?.critical).toBe(true);
  });
});

describe.each(leafProfiles)("profile %s", (profile) => {
  const certificate = leaf(profile);

  it("is an end-entity certificate: no SKI, AKI of its issuer, keyUsage critical and digitalSignature alone", () => {
    expect(certificate.basicConstraints).toEqual({ ca: false });
    expect(certificate.subjectKeyIdentifier).toBeUndefined();
    expect(certificate.authorityKeyIdentifier).toEqual(issuing.subjectKeyIdentifier);
    expect([...(certificate.keyUsage ?? [])]).toEqual(["digitalSignature"]);
    expect(certificate.extensions.find((e) => e.oid === Extension.keyUsage)?.critical).toBe(true);
    expect(verifySignature(certificate, issuing.publicKey)).toBe(true);
  });

  it("has one purpose", () => {
    const purposes = {
      gateway: "serverAuth",
      device: "clientAuth",
      operator: "clientAuth",
      "ocsp-responder": "ocspSigning",
    } as const;
    expect(certificate.extendedKeyUsage).toEqual([ExtendedKeyUsage[purposes[profile]]]);
  });

  it("has neither CRL distribution points nor authority information", () => {
    const oids = certificate.extensions.map((e) => e.oid);
    expect(oids).not.toContain(Extension.cRLDistributionPoints);
    expect(oids).not.toContain("1.3.6.1.5.5.7.1.1");
    expect(oids.includes(Extension.ocspNoCheck)).toBe(profile === "ocsp-responder");
  });
});

describe("names", () => {
  it("a device and an operator have exactly one name, the identity URI", () => {
    expect(leaf("device").subjectAltName).toEqual([
      { type: "uniformResourceIdentifier", value: "spiffe://a.example/device/pump-7" },
    ]);
    expect(readIdentity(leaf("operator")).kind).toBe("operator");
    expect(leaf("device").subject.values(AttributeType.CN)).toEqual(["pump-7"]);
  });

  it("a gateway has DNS names in lower case and addresses, and no URI", () => {
    expect(leaf("gateway").subjectAltName).toEqual([
      { type: "dNSName", value: "gateway.example" },
      { type: "dNSName", value: "localhost" },
      { type: "iPAddress", value: Uint8Array.of(127, 0, 0, 1) },
      { type: "iPAddress", value: Uint8Array.from([0xfe, 0x80, ...Array.from({ length: 13 }, () => 0), 1]) },
    ]);
  });

  it.each([
    "",
    "*.example",
    "a b",
    "a..b",
    "-a.example",
    "a_b.example",
    "1.2.3",
    "1.2.3.256",
    "ü.example",
    "a.example.",
    "fe80::1%eth0",
    "x".repeat(64),
    `${"a.".repeat(127)}a`,
  ])("a gateway may not be called %j", (name) => {
    expect(codeFor("gateway", { issuer: issuing, serverNames: [name] })).toBe("PKI_PROFILE");
  });

  it("nothing is copied from a certificate request", async () => {
    const der = await signCertificateRequest(
      {
        subject: Name.of({ CN: "gateway.example", O: "Evil" }),
        extensions: [
          makeExtension.subjectAltName([{ type: "dNSName", value: "gateway.example" }]),
          makeExtension.basicConstraints({ ca: true }),
          makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth),
        ],
      },
      device,
    );
    const publicKey = verifyProofOfPossession(parseCertificateRequest(der));
    const certificate = await make("device", { publicKey, issuer: issuing, identity }, issuingSigner);
    expect(certificate.subjectAltName).toEqual(leaf("device").subjectAltName);
    expect(certificate.extensions.map((e) => e.oid)).toEqual(leaf("device").extensions.map((e) => e.oid));
    expect(certificate.subject.toString()).toBe("CN=pump-7");
    expect(certificate.basicConstraints).toEqual({ ca: false });
  });
});

describe("serial numbers", () => {
  it("RFC 5280 §4.1.2.2: 16 octets, positive, the first not zero, and no two alike", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const serial = randomSerialNumber();
      expect(serial).toHaveLength(16);
      expect(serial[0]).toBeGreaterThan(0);
      expect(serial[0]).toBeLessThan(0x80);
      seen.add(Buffer.from(serial).toString("hex"));
    }
    expect(seen.size).toBe(2000);
  });

  it("are new in every certificate", async () => {
    const other = await make(
      "device",
      { publicKey: device.publicKey, issuer: issuing, identity },
      issuingSigner,
    );
    expect(other.serialNumber).not.toBe(leaf("device").serialNumber);
  });
});

const ofDevice = (request: Partial<ProfileRequest>): ReturnType<typeof certificateFor> =>
  certificateFor("device", { now, publicKey: device.publicKey, issuer: issuing, identity, ...request });

describe("validity", () => {
  it("starts five minutes ago, but not before the issuer; ends after the profile's days", () => {
    expect(root.notBefore.toISOString()).toBe("2026-11-23T11:55:00.000Z");
    expect(leaf("device").notAfter.toISOString()).toBe("2027-02-21T12:00:00.000Z");
    const early = ofDevice({ now: new Date(issuing.notBefore.getTime() + 1000) });
    expect(early.notBefore).toEqual(issuing.notBefore);
  });

  it("does not outlive the issuer unless an end is named", () => {
    expect(ofDevice({ validityDays: 10_000 }).notAfter).toEqual(issuing.notAfter);
    expect(ofDevice({ notAfter: NO_EXPIRY }).notAfter).toEqual(NO_EXPIRY);
  });

  it("RFC 5280 §4.1.2.5: no end is 99991231235959Z", async () => {
    const certificate = await make(
      "device",
      { publicKey: device.publicKey, issuer: issuing, identity, notAfter: NO_EXPIRY },
      issuingSigner,
    );
    expect(Buffer.from(certificate.der).includes("99991231235959Z")).toBe(true);
    expect(certificate.notAfter).toEqual(NO_EXPIRY);
  });

  it("is never over when it begins, and never a number that is none", () => {
    for (const validityDays of [0, -1, Number.NaN, 40_000]) {
      expect(codeFor("device", { issuer: issuing, identity, validityDays })).toBe("PKI_PROFILE");
    }
    expect(codeFor("device", { issuer: issuing, identity, notAfter: now })).toBe("PKI_PROFILE");
    expect(pkiErrorCode(() => ofDevice({ now: new Date("2040-01-01") }))).toBe("PKI_PROFILE");
  });
});

describe("what a profile refuses", () => {
  it.each<[string, ProfileName, Omit<ProfileRequest, "now" | "publicKey">]>([
    ["a root under an issuer", "root", { issuer: root, subject: Name.of({ CN: "x" }) }],
    ["a device without an issuer", "device", { identity }],
    ["a device without an identity", "device", { issuer: issuing }],
    ["a device with server names", "device", { issuer: issuing, identity, serverNames: ["a"] }],
    ["a gateway with an identity", "gateway", { issuer: issuing, identity, serverNames: ["a"] }],
    ["a gateway without a name", "gateway", { issuer: issuing, serverNames: [] }],
    ["a CA without a subject", "issuing", { issuer: root }],
    ["a CA under an issuer of path length 0", "issuing", { issuer: issuing, subject: Name.of({ CN: "x" }) }],
    ["an issuer that is no CA", "device", { issuer: leaf("gateway"), identity }],
    ["a path length for a device", "device", { issuer: issuing, identity, pathLenConstraint: 1 }],
    [
      "name constraints for a device",
      "device",
      { issuer: issuing, identity, nameConstraints: { permittedSubtrees: [], excludedSubtrees: [] } },
    ],
  ])("%s", (_, profile, request) => {
    expect(codeFor(profile, request)).toBe("PKI_PROFILE");
  });

  it("an issuer without basicConstraints, or that may not sign certificates", () => {
    const { keyUsage, basicConstraints } = makeExtension;
    for (const extension of [keyUsage("keyCertSign"), basicConstraints({ ca: false })]) {
      const issuer = parseCertificate(forgeCertificate({ rest: [extensionsField(extension)] }));
      expect(codeFor("device", { issuer, identity })).toBe("PKI_PROFILE");
    }
    const rest = [extensionsField(basicConstraints({ ca: true }), keyUsage("cRLSign"))];
    expect(codeFor("device", { issuer: parseCertificate(forgeCertificate({ rest })), identity })).toBe(
      "PKI_PROFILE",
    );
  });

  it("a malformed id", () => {
    expect(codeFor("device", { issuer: issuing, identity: { trustDomain: "a.example", id: "a/b" } })).toBe(
      "PKI_IDENTITY_NAME",
    );
  });

  it("a weak key", () => {
    const weak = importPublicKey(
      Buffer.from(
        `30819f300d06092a864886f70d010101050003818d0030818902818100${"c1".repeat(128)}0203010001`,
        "hex",
      ),
    );
    expect(
      pkiErrorCode(() => certificateFor("device", { now, publicKey: weak, issuer: issuing, identity })),
    ).toBe("PKI_PUBLIC_KEY_WEAK");
  });

  it("a signer that is not the issuer's", async () => {
    const request = { now, publicKey: device.publicKey, issuer: issuing, identity };
    for (const signer of [rootSigner, device]) {
      await expect(issueCertificate("device", request, signer)).rejects.toThrow(PkiError);
    }
    const selfRequest = { now, publicKey: device.publicKey, subject: Name.of({ CN: "x" }) };
    await expect(issueCertificate("root", selfRequest, rootSigner)).rejects.toThrow(PkiError);
  });
});

describe("algorithms", () => {
  it.each(keyAlgorithms)("%s, from the root to the leaf", async (algorithm) => {
    const a = new KeySigner(generatePrivateKey(algorithm));
    const b = new KeySigner(generatePrivateKey(algorithm));
    const c = new KeySigner(generatePrivateKey(algorithm));
    const ca = await make("root", { publicKey: a.publicKey, subject: Name.of({ CN: "R" }) }, a);
    const sub = await make(
      "issuing",
      { publicKey: b.publicKey, issuer: ca, subject: Name.of({ CN: "I" }) },
      a,
    );
    const end = await make("device", { publicKey: c.publicKey, issuer: sub, identity }, b);
    expect([
      verifySignature(ca, ca.publicKey),
      verifySignature(sub, ca.publicKey),
      verifySignature(end, sub.publicKey),
    ]).toEqual([true, true, true]);
    expect(verifySignature(end, ca.publicKey)).toBe(false);
    expect(Buffer.compare(end.subjectPublicKeyInfo, exportPublicKey(c.publicKey))).toBe(0);
  });
});
