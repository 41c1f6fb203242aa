import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AttackHolder, type AttackIssuer, openAuthority } from "../../../../pki/authority/index.ts";
import {
  Certificate,
  type CertificateFields,
  decodePem,
  ExtendedKeyUsage,
  exportPublicKey,
  type GeneralName,
  generatePrivateKey,
  identityUri,
  KeySigner,
  makeExtension,
  Name,
  parseCertificate,
  parseCertificateList,
  randomSerialNumber,
  signCertificate,
  signCertificateList,
  validatePath,
} from "../../../../pki/index.ts";
import { type TempPki, tempPki } from "../../../support/temp-pki.ts";

/** What the CA of a user may sign for the lab, and what not even then. */

let pki: TempPki;
let lab: AttackIssuer;

beforeEach(async () => {
  pki = await tempPki();
  await pki.device("own");
  await pki.device("victim");
  await pki.device("bystander");
  lab = await pki.authority.dangerouslyIssueForAttacks({ purpose: "a test", devices: ["own", "victim"] });
});

afterEach(() => pki[Symbol.dispose]());

const minute = 60_000;
const soon = (minutes: number) => new Date(Date.now() + minutes * minute);
const own: AttackHolder = { kind: "device", id: "own" };
const uri = (id: string, domain = "sallyport.internal"): GeneralName => ({
  type: "uniformResourceIdentifier",
  value: identityUri("device", domain, id),
});
const { basicConstraints, extendedKeyUsage, keyUsage, subjectAltName } = makeExtension;
const clientAuth = extendedKeyUsage(ExtendedKeyUsage.clientAuth);

/** A device's certificate as it should be but for what is said. */
function fields(
  over: Partial<CertificateFields> = {},
  ...extensions: CertificateFields["extensions"]
): Omit<CertificateFields, "issuer"> {
  const { issuer: _, ...rest } = over;
  return {
    serialNumber: randomSerialNumber(),
    notBefore: soon(-5),
    notAfter: soon(30),
    subject: Name.of({ CN: "own" }),
    subjectPublicKeyInfo: exportPublicKey(new KeySigner(generatePrivateKey("p256")).publicKey),
    extensions: extensions.length > 0 ? extensions : [clientAuth, subjectAltName([uri("own")])],
    ...rest,
  };
}

function refused(code: string, message = /./) {
  return expect.objectContaining({ name: "PkiError", code, message: expect.stringMatching(message) });
}

function gatewayCertificate(): Certificate {
  const [block] = decodePem(readFileSync(pki.path("gateway.cert.pem"), "utf8"), "CERTIFICATE");
  return parseCertificate(block?.der ?? new Uint8Array());
}

function entries(action: string) {
  return [...pki.inventory.audit.entries()]
    .filter((entry) => entry.action === action)
    .map(({ subject, details }) => ({ subject, details: JSON.parse(details) }));
}

describe("what it signs", () => {
  test("a certificate that no profile allows, in the inventory and the audit log, and it validates", async () => {
    const odd = await lab.sign(fields({ subject: Name.of({ CN: "odd" }) }, clientAuth), own);
    expect(odd.issuer.equals(pki.authority.issuing.subject)).toBe(true);
    const path = {
      chain: [odd, pki.authority.issuing],
      anchors: [pki.authority.root],
      purpose: "clientAuth",
      now: new Date(),
    } as const;
    expect(() => validatePath(path)).not.toThrow();
    expect(pki.inventory.certificate(odd.fingerprint)).toMatchObject({
      identityKind: "device",
      identityId: "own",
      profile: "attack",
      serialNumber: odd.serialNumber,
    });
    expect(entries("attack.open")).toEqual([
      {
        subject: "ca/issuing",
        details: { purpose: "a test", devices: ["own", "victim"], gateway: false, minutes: 60 },
      },
    ]);
    expect(entries("certificate.attack")).toMatchObject([
      { subject: "device/own", details: { fingerprint: odd.fingerprint, serial: odd.serialNumber } },
    ]);
    expect(() => pki.inventory.audit.verify()).not.toThrow();
  });

  test("another listed device's name in it, and one that is expired already or not valid yet", async () => {
    const named = fields({}, clientAuth, subjectAltName([uri("victim")]));
    await expect(lab.sign(named, own)).resolves.toBeInstanceOf(Certificate);
    const past = fields({ notBefore: soon(-60), notAfter: soon(-30) });
    await expect(lab.sign(past, own)).resolves.toBeInstanceOf(Certificate);
    await expect(lab.sign(fields({ notBefore: soon(30), notAfter: soon(59) }), own)).resolves.toBeDefined();
  });

  test("as a Signer it makes the very certificate that is on record", async () => {
    const whole = { ...fields(), issuer: pki.authority.issuing.subject };
    const der = await signCertificate(whole, lab.signerFor(own));
    expect(pki.inventory.certificate(parseCertificate(der).fingerprint)?.der).toEqual(der);
  });

  test("left to itself, the Signer finds the holder in the certificate", async () => {
    const wide = await pki.authority.dangerouslyIssueForAttacks({
      purpose: "a test",
      devices: ["own", "victim"],
      gateway: true,
    });
    const other = Name.of({ CN: "other" });
    const server = [extendedKeyUsage(ExtendedKeyUsage.serverAuth)];
    const pinned = { subject: other, subjectPublicKeyInfo: gatewayCertificate().subjectPublicKeyInfo };
    for (const [what, holder] of [
      [fields(), "device/own"],
      [fields({}, clientAuth, subjectAltName([uri("victim")])), "device/victim"],
      [fields({}, subjectAltName([uri("victim")])), "device/victim"],
      [fields({ subject: other }, clientAuth), "device/own"],
      [fields({ subject: other }, ...server), "gateway/gateway"],
      [fields(pinned, ...server), "gateway/gateway"],
      [fields({ subject: other }, basicConstraints({ ca: true })), "ca/lab"],
    ] as const) {
      const whole = { ...what, issuer: pki.authority.issuing.subject };
      await signCertificate(whole, wide.signerFor());
      expect(entries("certificate.attack").at(-1)?.subject).toBe(holder);
    }
  });

  test("a server's certificate and a CA's only where the gateway was listed", async () => {
    const server = fields(
      { subject: Name.of({ CN: "gateway" }) },
      extendedKeyUsage(ExtendedKeyUsage.serverAuth),
      subjectAltName([{ type: "dNSName", value: "gateway.example" }]),
    );
    const ca = fields(
      { subject: Name.of({ CN: "a CA" }) },
      basicConstraints({ ca: true }),
      keyUsage("keyCertSign"),
    );
    const gateway: AttackHolder = { kind: "gateway", id: "lab" };
    for (const [what, holder] of [
      [server, gateway],
      [server, own],
      [ca, { kind: "ca", id: "lab" }],
      [fields({}, subjectAltName([uri("own")])), own],
    ] as const) {
      await expect(lab.sign(what, holder)).rejects.toThrow(refused("PKI_PROFILE", /gateway was not listed/));
    }
    const wide = await pki.authority.dangerouslyIssueForAttacks({
      purpose: "a test",
      devices: [],
      gateway: true,
    });
    await expect(wide.sign(server, gateway)).resolves.toBeInstanceOf(Certificate);
    // The issuing CA's pathLenConstraint is 0, so no path leads through it.
    await expect(wide.sign(ca, { kind: "ca", id: "lab" })).resolves.toBeInstanceOf(Certificate);
  });
});

describe("what it refuses, and the audit log has the refusal", () => {
  const ocsp = [
    extendedKeyUsage(ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.ocspSigning),
    subjectAltName([uri("own")]),
  ];
  const stranger = exportPublicKey(new KeySigner(generatePrivateKey("p256")).publicKey);
  const offCurve = stranger.map((octet, n) => (n === stranger.length - 1 ? octet ^ 1 : octet));
  const cases: ReadonlyArray<
    readonly [title: string, code: string, what: () => Omit<CertificateFields, "issuer">, id?: string]
  > = [
    ["more than an hour", "PKI_PROFILE", () => fields({ notAfter: soon(61) })],
    ["a responder for OCSP", "PKI_PROFILE", () => fields({}, ...ocsp)],
    ["a device that was not listed", "PKI_PROFILE", () => fields(), "bystander"],
    [
      "the URI of a device that was not listed",
      "PKI_PROFILE",
      () => fields({}, clientAuth, subjectAltName([uri("bystander")])),
    ],
    [
      "the same in another trust domain",
      "PKI_PROFILE",
      () => fields({}, clientAuth, subjectAltName([uri("bystander", "elsewhere.example")])),
    ],
    [
      "the CN of a device that was not listed",
      "PKI_PROFILE",
      () => fields({ subject: Name.of({ CN: "bystander" }) }),
    ],
    ["a public key that is none", "PKI_PUBLIC_KEY_INVALID", () => fields({ subjectPublicKeyInfo: offCurve })],
    [
      "the gateway's public key",
      "PKI_DUPLICATE_KEY",
      () => {
        const { subjectPublicKeyInfo } = gatewayCertificate();
        return fields({ subjectPublicKeyInfo });
      },
    ],
  ];
  test.each(cases.map(([title, ...rest]) => ({ title, rest })))("$title", async ({ rest }) => {
    const [code, what, id = "own"] = rest;
    await expect(lab.sign(what(), { kind: "device", id })).rejects.toThrow(refused(code));
    expect(entries("certificate.attack")).toEqual([]);
    expect(entries("certificate.refuse")).toMatchObject([
      { subject: `device/${id}`, details: { code, attack: true } },
    ]);
  });

  test("bytes that are no certificate: a revocation list, a text, another issuer's name", async () => {
    const signer = lab.signerFor(own);
    const list = {
      issuer: pki.authority.issuing.subject,
      thisUpdate: soon(-1),
      nextUpdate: soon(30),
      revoked: [],
      extensions: [],
    };
    await expect(signCertificateList(list, signer)).rejects.toMatchObject({ name: "PkiError" });
    await expect(signer.sign(Buffer.from("anything"))).rejects.toMatchObject({ name: "PkiError" });
    const foreign = { ...fields(), issuer: pki.authority.root.subject };
    await expect(signCertificate(foreign, signer)).rejects.toThrow(refused("PKI_PROFILE", /its own name/));
    expect(pki.inventory.certificatesOf("own")).toHaveLength(1);
  });

  test("a CA below an issuing CA whose pathLenConstraint is not 0", async () => {
    // An imported CA may have any: the certificate that the class sees says so.
    const { certificate } = lab;
    Object.defineProperty(certificate, "basicConstraints", { value: { ca: true } });
    const wide = await pki.authority.dangerouslyIssueForAttacks({
      purpose: "a test",
      devices: [],
      gateway: true,
    });
    const ca = fields({}, basicConstraints({ ca: true, pathLenConstraint: 0 }), keyUsage("keyCertSign"));
    const signing = wide.sign(ca, { kind: "ca", id: "lab" });
    await expect(signing).rejects.toThrow(refused("PKI_PROFILE", /no inventory/));
  });

  test("a lab without a purpose, for longer than an hour, or for whom no certificate is due", async () => {
    const open = (over: object) =>
      pki.authority.dangerouslyIssueForAttacks({ purpose: "a test", devices: [], ...over });
    await expect(open({ purpose: " " })).rejects.toThrow(refused("PKI_PROFILE"));
    for (const minutes of [0, -1, 61, Number.NaN]) {
      await expect(open({ minutes })).rejects.toThrow(refused("PKI_PROFILE"));
    }
    await expect(open({ devices: ["nobody"] })).rejects.toThrow(refused("PKI_DEVICE_UNKNOWN"));
    await pki.revoke("victim");
    await expect(open({ devices: ["victim"] })).rejects.toThrow(refused("PKI_CERTIFICATE_REVOKED"));
    pki.inventory.retireDevice("bystander");
    await expect(open({ devices: ["bystander"] })).rejects.toThrow(refused("PKI_DEVICE_RETIRED"));
    expect(entries("attack.refuse")).toHaveLength(8);
  });

  test("a device that was revoked or retired since", async () => {
    await pki.revoke("own");
    await expect(lab.sign(fields(), own)).rejects.toThrow(refused("PKI_CERTIFICATE_REVOKED"));
    pki.inventory.retireDevice("victim");
    const named = fields({ subject: Name.of({ CN: "x" }) }, clientAuth);
    const signing = lab.sign(named, { kind: "device", id: "victim" });
    await expect(signing).rejects.toThrow(refused("PKI_DEVICE_RETIRED"));
  });

  test("everything, once its time is over", async () => {
    const brief = await pki.authority.dangerouslyIssueForAttacks({
      purpose: "a test",
      devices: ["own"],
      minutes: 1,
    });
    await pki.at(soon(2), async () => {
      await expect(brief.sign(fields(), own)).rejects.toThrow(refused("PKI_PROFILE", /is over/));
    });
  });
});

describe("when the lab ends", () => {
  test("its certificates are revoked, on the list too, and nothing is signed any more", async () => {
    const made = await lab.sign(fields(), own);
    await lab.close();
    await lab.close();
    expect(pki.inventory.certificate(made.fingerprint)).toMatchObject({
      revocationReason: "cessationOfOperation",
    });
    const [list] = decodePem(readFileSync(pki.path("crl.pem"), "utf8"), "X509 CRL");
    expect(parseCertificateList(list?.der ?? new Uint8Array()).revoked.has(made.serialNumber)).toBe(true);
    expect(entries("attack.close")).toMatchObject([{ details: { signed: 1, revoked: 1 } }]);
    await expect(lab.sign(fields(), own)).rejects.toThrow(refused("PKI_PROFILE", /closed/));
  });

  test("a signature that was under way when it closed is not given out", async () => {
    const signing = lab.sign(fields(), own);
    const closing = lab.close();
    await expect(signing).rejects.toThrow(refused("PKI_PROFILE", /closed/));
    await closing;
    expect(pki.inventory.certificatesOf("own")).toHaveLength(1);
  });

  test("what a process that died left behind is revoked by the next lab", async () => {
    const left = await lab.sign(fields(), own);
    const other = openAuthority(pki.directory, { actor: "test" });
    try {
      const next = await other.dangerouslyIssueForAttacks({ purpose: "another", devices: [] });
      expect(pki.inventory.certificate(left.fingerprint)?.revokedAt).toBeDefined();
      // Also for those who go by the list, though this lab signs nothing itself.
      await next.close();
      const [list] = decodePem(readFileSync(pki.path("crl.pem"), "utf8"), "X509 CRL");
      expect(parseCertificateList(list?.der ?? new Uint8Array()).revoked.has(left.serialNumber)).toBe(true);
    } finally {
      other.close();
    }
  });

  test("its devices stand as before: they are renewed, and the key that they keep is their own", async () => {
    const [before] = pki.inventory.certificatesOf("own");
    await lab.sign(fields(), own);
    await lab.close();
    const renewed = await pki.authority.renew({ id: "own", sameKey: true });
    expect(renewed.certificate.subjectPublicKeyInfo).toEqual(
      parseCertificate(before?.der ?? new Uint8Array()).subjectPublicKeyInfo,
    );
  });
});
