import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { PeerClaim } from "../../../../dtls/association/outputs.ts";
import { readCertificateFields } from "../../../../dtls/endpoint/certificate-fields.ts";
import { assertAnchors, type CaRules, verifyWithCa } from "../../../../dtls/endpoint/verify-with-ca.ts";
import { type GeneralName, makeExtension } from "../../../../pki/index.ts";
import {
  type CaOptions,
  daysFromNow,
  type Minted,
  type MintOptions,
  mintCa,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
  rawExtension,
} from "../../../support/chain-builder.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const root = mintRoot();
const issuing = mintCa(root);

interface Case {
  readonly chain: readonly Minted[];
  readonly anchors?: readonly Minted[];
  readonly peer?: "client" | "server";
  readonly name?: string;
  readonly at?: Date;
}

function claimOf(chain: readonly Minted[]): PeerClaim {
  return {
    certificateType: "X509",
    chain: chain.map(({ der }) => der),
    pskIdentity: undefined,
    serverName: undefined,
    address: { address: "192.0.2.1", port: 1 },
    resumed: false,
  };
}

function rulesOf({ anchors = [root], peer = "client", name, at = NOW }: Omit<Case, "chain">): CaRules {
  return {
    anchors: anchors.map(({ der }) => new X509Certificate(der)),
    peer,
    name,
    wallClock: () => at.getTime(),
  };
}

function verify({ chain, ...rules }: Case) {
  return verifyWithCa(rulesOf(rules))(claimOf(chain));
}

function refusal(what: Case): string | undefined {
  return dtlsErrorCode(() => verify(what));
}

const device = (options: MintOptions = {}, issuer = issuing) => mintDevice(issuer, "d1", options);
const server = (names: string[], options: MintOptions = {}) => mintServer(issuing, names, options);

describe("a path to an anchor (R7)", () => {
  test("leaf, intermediate, anchor: accepted, and the identity says whose it is and how long", () => {
    const leaf = device({ notAfter: daysFromNow(10) });
    const identity = verify({ chain: [leaf, issuing] });
    expect(identity.subject).toBe("CN=d1");
    expect(identity.subjectAltName).toContain("URI:spiffe://sallyport.internal/device/d1");
    expect(identity.fingerprint256).toBe(new X509Certificate(leaf.der).fingerprint256);
    expect(identity.notAfter).toEqual(daysFromNow(10));
  });

  test("the root may be sent, in any order, with certificates that have nothing to do with it", () => {
    expect(refusal({ chain: [device(), root, mintCa(mintRoot()), issuing] })).toBeUndefined();
  });

  test("an intermediate may be the anchor itself", () => {
    expect(refusal({ chain: [device()], anchors: [issuing] })).toBeUndefined();
  });

  test("an intermediate that is missing, and another root, lead nowhere: unknown_ca", () => {
    expect(refusal({ chain: [device()] })).toBe("DTLS_UNKNOWN_CA");
    expect(refusal({ chain: [device(), issuing], anchors: [mintRoot()] })).toBe("DTLS_UNKNOWN_CA");
    expect(refusal({ chain: [device(), issuing], anchors: [] })).toBe("DTLS_UNKNOWN_CA");
    expect(refusal({ chain: [] })).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 5280 §6.1.3 (a): a signature that does not verify ends the path there", () => {
    expect(refusal({ chain: [device({ corrupt: true }), issuing] })).toBe("DTLS_UNKNOWN_CA");
    expect(refusal({ chain: [device({ signWith: mintRoot().key }), issuing] })).toBe("DTLS_UNKNOWN_CA");
    const forged = mintCa(root, { signWith: mintRoot().key, key: issuing.key });
    expect(refusal({ chain: [device(), forged] })).toBe("DTLS_UNKNOWN_CA");
  });

  test("a path is never longer than it may be, and a circle ends", () => {
    let ca = mintCa(root, { subject: { CN: "0" } });
    const above = [ca];
    for (let depth = 1; depth < 8; depth++) {
      ca = mintCa(ca, { subject: { CN: `${depth}` } });
      above.unshift(ca);
    }
    expect(refusal({ chain: [device({}, ca), ...above] })).toBe("DTLS_UNKNOWN_CA");
    const a = mintCa(root, { subject: { CN: "a" }, issuerName: { CN: "b" } });
    const b = mintCa(a, { subject: { CN: "b" } });
    const around = mintCa(b, { subject: { CN: "a" }, key: a.key });
    expect(refusal({ chain: [mintDevice(around, "d"), around, b] })).toBe("DTLS_UNKNOWN_CA");
  });
});

test("PEM within a certificate is not read in its place, in a leaf or above it (A4)", () => {
  const stranger = mintCa(mintRoot());
  const withPem = (pem: string) => ({
    extensions: [rawExtension("1.2.3.4", false, Buffer.from(`\n${pem}\n`))],
  });
  const leaf = mintDevice(stranger, "stranger", withPem(device().pem));
  expect(refusal({ chain: [leaf, issuing] })).toBe("DTLS_BAD_CERTIFICATE");
  const above = mintCa(mintRoot(), withPem(issuing.pem));
  expect(refusal({ chain: [device(), above] })).toBe("DTLS_BAD_CERTIFICATE");
});

describe("what a stranger's chain can cost (D7)", () => {
  const verifications = vi.spyOn(X509Certificate.prototype, "verify");
  afterAll(() => verifications.mockRestore());

  test("so many certificates are not even read", () => {
    const many = Array.from({ length: 10 }, () => issuing);
    expect(refusal({ chain: [device(), ...many] })).toBe("DTLS_BAD_CERTIFICATE");
    expect(refusal({ chain: [device(), ...many.slice(1)] })).toBeUndefined();
  });

  test("CAs that share a name, each of which might have signed, are not all tried at each step", () => {
    const stranger = mintRoot();
    const same: CaOptions = {
      subject: { CN: "same" },
      issuerName: { CN: "same" },
      without: ["authorityKeyIdentifier"],
    };
    const cas = [mintCa(stranger, same)];
    for (let depth = 1; depth < 5; depth++) cas.push(mintCa(cas.at(-1) ?? stranger, same));
    const decoys = Array.from({ length: 4 }, () => mintCa(stranger, same));
    const leaf = device({ issuerName: { CN: "same" }, without: ["authorityKeyIdentifier"] }, cas.at(-1));
    verifications.mockClear();
    expect(refusal({ chain: [leaf, ...decoys, ...cas] })).toBe("DTLS_BAD_CERTIFICATE");
    expect(verifications.mock.calls.length).toBeLessThanOrEqual(12);
  });

  test("a CA's key of an unusual kind, which may be a very slow one, is not used", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "sect571r1" });
    const odd = mintCa(root, { key: privateKey });
    const leaf = device({ signWith: issuing.key }, odd);
    verifications.mockClear();
    expect(refusal({ chain: [leaf, odd] })).toBe("DTLS_BAD_CERTIFICATE");
    expect(verifications).not.toHaveBeenCalled();
  });
});

describe("validity (RFC 5280 §6.1.3 (a)(2))", () => {
  test.each([
    ["the leaf is over", device({ notAfter: daysFromNow(-1) }), issuing],
    ["the leaf is not yet", device({ notBefore: daysFromNow(1) }), issuing],
  ])("%s: certificate_expired", (_name, leaf, above) => {
    expect(refusal({ chain: [leaf, above] })).toBe("DTLS_CERTIFICATE_EXPIRED");
  });

  test("the intermediate is over, and so is the path", () => {
    const old = mintCa(root, { notAfter: daysFromNow(-1) });
    expect(refusal({ chain: [device({}, old), old] })).toBe("DTLS_CERTIFICATE_EXPIRED");
  });

  test("the anchor is over, and so is the path", () => {
    const old = mintRoot({ notAfter: daysFromNow(-1) });
    const below = mintCa(old);
    expect(refusal({ chain: [device({}, below), below], anchors: [old] })).toBe("DTLS_CERTIFICATE_EXPIRED");
  });

  test("of an anchor that was renewed the one that is valid counts, also for a path that is remembered", () => {
    let now = NOW;
    const old = mintRoot({ notAfter: daysFromNow(5) });
    const renewed = mintRoot({ key: old.key, notBefore: daysFromNow(1) });
    const below = mintCa(old, { without: ["authorityKeyIdentifier"] });
    const rules = { ...rulesOf({ anchors: [old, renewed] }), wallClock: () => now.getTime() };
    const check = verifyWithCa(rules);
    const claim = claimOf([device({}, below), below]);
    expect(dtlsErrorCode(() => check(claim))).toBeUndefined();
    now = daysFromNow(6);
    expect(dtlsErrorCode(() => check(claim))).toBeUndefined();
    expect(dtlsErrorCode(() => verifyWithCa(rules)(claim))).toBeUndefined();
  });

  test("a path that was found good is looked at again each time", () => {
    let now = NOW;
    const rules = { ...rulesOf({}), wallClock: () => now.getTime() };
    const check = verifyWithCa(rules);
    const claim = claimOf([device({ notAfter: daysFromNow(10) }), issuing]);
    expect(dtlsErrorCode(() => check(claim))).toBeUndefined();
    now = daysFromNow(11);
    expect(dtlsErrorCode(() => check(claim))).toBe("DTLS_CERTIFICATE_EXPIRED");
  });
});

describe("what a CA may do", () => {
  const below = (options: CaOptions) => {
    const ca = mintCa(root, options);
    return { chain: [device({}, ca), ca] };
  };

  test("RFC 5280 §6.1.4 (k): a certificate without cA issues nothing", () => {
    expect(refusal(below({ without: ["basicConstraints"] }))).toBe("DTLS_UNKNOWN_CA");
    const notCa = makeExtension.basicConstraints({ ca: false });
    expect(refusal(below({ extensions: [notCa] }))).toBe("DTLS_UNKNOWN_CA");
    const impostor = mintDevice(issuing, "not-a-ca");
    expect(refusal({ chain: [device({}, impostor), impostor, issuing] })).toBe("DTLS_UNKNOWN_CA");
  });

  test("RFC 5280 §6.1.4 (n): keyUsage without keyCertSign issues nothing", () => {
    expect(refusal(below({ extensions: [makeExtension.keyUsage("cRLSign")] }))).toBe("DTLS_UNKNOWN_CA");
  });

  test("RFC 5280 §6.1.4 (m): no more CAs below it than pathLenConstraint says", () => {
    const top = mintCa(root, { pathLenConstraint: 0, subject: { CN: "top" } });
    const sub = mintCa(top, { subject: { CN: "sub" } });
    expect(refusal({ chain: [device({}, top), top] })).toBeUndefined();
    expect(refusal({ chain: [device({}, sub), sub, top] })).toBe("DTLS_BAD_CERTIFICATE");
    const limited = mintRoot({ pathLenConstraint: 0 });
    const under = mintCa(limited);
    expect(refusal({ chain: [device({}, under), under], anchors: [limited] })).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("an extended key usage on a CA counts", () => {
    const serverOnly = makeExtension.extendedKeyUsage("1.3.6.1.5.5.7.3.1");
    expect(refusal(below({ extensions: [serverOnly] }))).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("name constraints are refused, not skipped, and the message says what to do", () => {
    const constrained = mintCa(root, {
      extensions: [rawExtension("2.5.29.30", true, Uint8Array.of(0x30, 0))],
    });
    expect(() => verify({ chain: [device({}, constrained), constrained] })).toThrow(/verifyPeer/);
    const byRoot = mintRoot({ extensions: [rawExtension("2.5.29.30", false, Uint8Array.of(0x30, 0))] });
    expect(() => verify({ chain: [device({}, byRoot)], anchors: [byRoot] })).toThrow(/verifyPeer/);
  });

  test("RFC 5280 §4.2: a critical extension that is not understood refuses; one that is not critical does not", () => {
    expect(refusal({ chain: [device({ extensions: [rawExtension("1.2.3.4", true)] }), issuing] })).toBe(
      "DTLS_BAD_CERTIFICATE",
    );
    expect(refusal(below({ extensions: [rawExtension("2.5.29.36", true)] }))).toBe("DTLS_BAD_CERTIFICATE");
    expect(
      refusal({ chain: [device({ extensions: [rawExtension("1.2.3.4", false)] }), issuing] }),
    ).toBeUndefined();
  });

  test("an intermediate that issued itself is refused, not followed", () => {
    const selfIssued = mintCa(root, { subject: root.name });
    expect(refusal({ chain: [device({}, selfIssued), selfIssued] })).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 9325 §4.4: RSA keys have 2048 bits at least, those of CAs too (R15)", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    expect(refusal(below({ key: privateKey }))).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("SHA-1 signs nothing", () => {
    expect(refusal({ chain: [device({ signature: "ecdsa-sha1" }), issuing] })).not.toBeUndefined();
  });
});

describe("what a leaf is for (A4)", () => {
  test("RFC 5280 §4.2.1.12: extended key usage must be there, and name the purpose", () => {
    expect(refusal({ chain: [device({ without: ["extendedKeyUsage"] }), issuing] })).toBe(
      "DTLS_BAD_CERTIFICATE",
    );
    expect(refusal({ chain: [server(["a.example"]), issuing] })).toBe("DTLS_BAD_CERTIFICATE");
    expect(refusal({ chain: [device(), issuing], peer: "server", name: "d1" })).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 5280 §4.2.1.3: keyUsage, where it is there, allows signatures", () => {
    const keyAgreement = makeExtension.keyUsage("keyAgreement");
    expect(refusal({ chain: [device({ extensions: [keyAgreement] }), issuing] })).toBe(
      "DTLS_BAD_CERTIFICATE",
    );
  });

  test("a CA's certificate, and a self-signed one, is no peer's", () => {
    const eku = makeExtension.extendedKeyUsage("1.3.6.1.5.5.7.3.2");
    expect(refusal({ chain: [mintCa(root, { extensions: [eku] })] })).toBe("DTLS_BAD_CERTIFICATE");
    const self = mintDevice(undefined, "self");
    expect(refusal({ chain: [self] })).toBe("DTLS_UNKNOWN_CA");
    expect(refusal({ chain: [self], anchors: [self] })).not.toBeUndefined();
    expect(dtlsErrorCode(() => assertAnchors([new X509Certificate(self.der)]))).toBe("DTLS_OPTIONS_INVALID");
  });

  test("raw public keys are not judged by a CA", () => {
    const check = verifyWithCa(rulesOf({}));
    expect(dtlsErrorCode(() => check({ ...claimOf([device()]), certificateType: "RawPublicKey" }))).toBe(
      "DTLS_BAD_CERTIFICATE",
    );
  });
});

describe("the name of a server (A4, RFC 9525)", () => {
  const named = (names: string[], name: string | undefined, options: MintOptions = {}) =>
    refusal({
      chain: [server(names, options), issuing],
      peer: "server",
      ...(name === undefined ? {} : { name }),
    });

  test("a DNS name, whatever its case, and an IP address", () => {
    expect(named(["gateway.example"], "gateway.example")).toBeUndefined();
    expect(named(["gateway.example"], "GATEWAY.example")).toBeUndefined();
    expect(named(["192.0.2.7"], "192.0.2.7")).toBeUndefined();
  });

  test("another name, another address, and none, are refused", () => {
    expect(named(["gateway.example"], "other.example")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["gateway.example"], "a.gateway.example")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["192.0.2.7"], "192.0.2.8")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["gateway.example"], "")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["gateway.example"], undefined)).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 9525 §2: the common name is no name", () => {
    const noNames: GeneralName[] = [{ type: "uniformResourceIdentifier", value: "urn:x" }];
    const options = {
      subject: { CN: "gateway.example" },
      extensions: [makeExtension.subjectAltName(noNames)],
    };
    expect(named([], "gateway.example", options)).toBe("DTLS_BAD_CERTIFICATE");
    const without: MintOptions = { subject: { CN: "gateway.example" }, without: ["subjectAltName"] };
    expect(named(["x"], "gateway.example", without)).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("RFC 9525 §6.3: a wildcard is a whole label, and one label", () => {
    expect(named(["*.example.org"], "a.example.org")).toBeUndefined();
    expect(named(["*.example.org"], "a.b.example.org")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["*.example.org"], "example.org")).toBe("DTLS_BAD_CERTIFICATE");
    expect(named(["g*.example.org"], "gateway.example.org")).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("an address is not matched by a DNS name that looks like one", () => {
    const look: GeneralName[] = [{ type: "dNSName", value: "192.0.2.7" }];
    const options = { extensions: [makeExtension.subjectAltName(look)] };
    expect(named([], "192.0.2.7", options)).toBe("DTLS_BAD_CERTIFICATE");
  });
});

describe("the DER of a certificate", () => {
  test("notAfter, the signature's algorithm and the extensions are read as node:crypto and pki/ read them", () => {
    const leaf = device({ notAfter: new Date("2055-01-01T00:00:00Z") });
    const fields = readCertificateFields(leaf.der);
    expect(fields.notAfter).toEqual(leaf.certificate.notAfter);
    expect(fields.signatureAlgorithm).toBe("2a8648ce3d040302");
    expect(fields.extensions.size).toBe(leaf.certificate.extensions.length);
    expect(readCertificateFields(device().der).notAfter).toEqual(daysFromNow(60));
    expect(Buffer.from(fields.subject).toString("hex")).toBe(Buffer.from(leaf.name.der).toString("hex"));
  });

  test("RFC 5280 §4.2: the same extension twice is refused", () => {
    const twice = device({ extensions: [rawExtension("1.2.3.4", false), rawExtension("1.2.3.5", false)] });
    const der = Buffer.from(twice.der);
    const second = Buffer.from([6, 3, 0x2a, 3, 5]);
    der[der.indexOf(second) + 4] = 4;
    expect(dtlsErrorCode(() => readCertificateFields(der))).toBe("DTLS_BAD_CERTIFICATE");
  });

  test("what is cut or changed throws nothing but DtlsError", () => {
    const { der } = device();
    for (let length = 0; length < der.length; length += 7) {
      expect(dtlsErrorCode(() => readCertificateFields(der.subarray(0, length)))).toBe(
        "DTLS_BAD_CERTIFICATE",
      );
    }
    for (let index = 0; index < der.length; index++) {
      const changed = Uint8Array.from(der);
      changed[index] = 0x80;
      expect([undefined, "DTLS_BAD_CERTIFICATE"]).toContain(
        dtlsErrorCode(() => readCertificateFields(changed)),
      );
    }
  });
});
