import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Certificate,
  type CertificateList,
  ExtendedKeyUsage,
  type GeneralName,
  makeExtension,
  PkiError,
  parseCertificate,
  parseCertificateList,
  type RawExtension,
  validatePath,
} from "../../pki/index.ts";
import { PathSearch } from "../../pki/path/path-search.ts";
import { checkServerName } from "../../pki/path/server-name.ts";
import { defaultPathLimits, WorkBudget } from "../../pki/path/work.ts";
import {
  daysFromNow,
  Minted,
  mintCa,
  mintCrl,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
} from "../support/chain-builder.ts";
import { newKey } from "../support/odd-algorithms.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 300);

// Few names and few keys, so that certificates fit together in unforeseen ways: loops, twins, cross-certificates.
const names = ["A", "B", "C"].map((CN) => ({ CN }));
const keys = Array.from({ length: 4 }, () => newKey("p256"));
const trusted = mintRoot({ subject: { CN: "A" }, key: keys[0] ?? "p256" });

const name = fc.constantFrom(...names);
const key = fc.constantFrom(...keys);
const days = fc.integer({ min: -3, max: 3 }).map(daysFromNow);
const bytes = fc.uint8Array({ maxLength: 40 });

const text = fc.oneof(
  fc.constantFrom(
    "a.example",
    "*.example",
    "",
    ".example",
    "*",
    "x@a.example",
    "coap://a.example/",
    "urn:x",
    "10.0.0.1",
  ),
  fc.string({ maxLength: 20 }).map((s) => s.replace(/[^\x21-\x7e]/g, "")),
);
const generalName: fc.Arbitrary<GeneralName> = fc.oneof(
  fc.record({ type: fc.constantFrom("dNSName", "rfc822Name", "uniformResourceIdentifier"), value: text }),
  fc.record({ type: fc.constant("iPAddress"), value: fc.uint8Array({ minLength: 4, maxLength: 4 }) }),
  fc.record({ type: fc.constant("registeredID"), value: fc.constant("1.2.3") }),
  fc.record({ type: fc.constant("directoryName"), value: fc.constant(trusted.name) }),
);
const subtree = generalName.map(
  (base): GeneralName =>
    base.type === "iPAddress" ? { ...base, value: Uint8Array.of(...base.value, 255, 255, 0, 0) } : base,
);
const extension: fc.Arbitrary<RawExtension> = fc.oneof(
  fc.record({
    oid: fc.constantFrom(
      "1.2.3",
      "2.5.29.19",
      "2.5.29.32",
      "2.5.29.33",
      "2.5.29.36",
      "2.5.29.54",
      "2.5.29.31",
      "2.5.29.30",
    ),
    critical: fc.boolean(),
    value: fc.oneof(
      bytes,
      fc.constantFrom(Uint8Array.of(0x30, 0), Uint8Array.of(2, 1, 0), Uint8Array.of(0x30, 3, 0x80, 1, 0)),
    ),
  }),
  fc
    .record({
      permittedSubtrees: fc.array(subtree, { maxLength: 3 }),
      excludedSubtrees: fc.array(subtree, { maxLength: 3 }),
    })
    .map(makeExtension.nameConstraints),
  fc
    .integer({ min: 0, max: 2 })
    .map((pathLenConstraint) => makeExtension.basicConstraints({ ca: true, pathLenConstraint })),
  fc.array(generalName, { minLength: 1, maxLength: 4 }).map((list) => makeExtension.subjectAltName(list)),
  fc
    .constantFrom(ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth)
    .map((oid) => makeExtension.extendedKeyUsage(oid)),
);

/** A certificate that may say anything and be signed by anyone. */
const anyCertificate = fc
  .record({
    isCa: fc.boolean(),
    subject: name,
    issuerName: name,
    key,
    signWith: key,
    notBefore: days,
    notAfter: days,
    extensions: fc.uniqueArray(extension, { maxLength: 3, selector: ({ oid }) => oid }),
    corrupt: fc.constantFrom(false, false, false, true),
    version: fc.constantFrom<(1 | 3)[]>(3, 3, 3, 1),
  })
  .map(({ isCa, ...options }) => (isCa ? mintCa(trusted, options) : mintDevice(trusted, "x", options)));

/** A CRL that may say anything of anyone. */
const anyCrl = fc
  .record({
    issuerName: name,
    signWith: key,
    nextUpdate: fc.oneof(days, fc.constant(null)),
    thisUpdate: days,
    extensions: fc.uniqueArray(
      fc.record({
        oid: fc.constantFrom("1.2.3", "2.5.29.28", "2.5.29.27"),
        critical: fc.boolean(),
        value: bytes,
      }),
      { maxLength: 2, selector: ({ oid }) => oid },
    ),
  })
  .map((options) => mintCrl(trusted, options).list);

function parsed(minted: readonly Minted[]): Certificate[] {
  return minted.flatMap(({ der }) => {
    try {
      return [parseCertificate(der)];
    } catch (error) {
      if (error instanceof PkiError) return [];
      throw error;
    }
  });
}

/** The code of the refusal, or the path. Anything but a PkiError of path validation is a fault of ours. */
function outcome(step: () => { readonly path: readonly Certificate[] }): readonly Certificate[] | string {
  try {
    return step().path;
  } catch (error) {
    if (error instanceof PkiError && error.code.startsWith("PKI_PATH_")) return error.code;
    throw error;
  }
}

function refuse(): never {
  throw new PkiError("PKI_PATH_NOT_A_CA", "go on");
}

describe("chains of anything", () => {
  test("end in a proof or in a PkiError of path validation, and a proof is one", () => {
    fc.assert(
      fc.property(
        fc.array(anyCertificate, { minLength: 1, maxLength: 12 }),
        fc.array(anyCrl, { maxLength: 3 }),
        fc.constantFrom("clientAuth" as const, "serverAuth" as const),
        (soup, crls: CertificateList[], purpose) => {
          const chain = parsed(soup);
          const result = outcome(() =>
            validatePath({ chain, anchors: [trusted.certificate], purpose, now: NOW, crls }),
          );
          if (typeof result === "string") return;
          // What RFC 5280 §6.1 asks for, checked in another way than the validator does.
          expect(result.at(-1)).toBe(trusted.certificate);
          expect(result[0]).toBe(chain[0]);
          for (const [i, certificate] of result.slice(0, -1).entries()) {
            const issuer = result[i + 1];
            expect(issuer?.subject.equals(certificate.issuer)).toBe(true);
            expect(issuer?.basicConstraints?.ca).toBe(true);
            expect(certificate.notBefore <= NOW && NOW <= certificate.notAfter).toBe(true);
          }
          expect(result[0]?.extendedKeyUsage).toContain(ExtendedKeyUsage[purpose]);
        },
      ),
      { numRuns },
    );
  });

  test("some of them are valid, so that the property says something", () => {
    const ca = mintCa(trusted, { subject: { CN: "B" } });
    const chain = [mintDevice(ca, "x"), ca, ...fc.sample(anyCertificate, 8)];
    const ask = () =>
      validatePath({ chain: parsed(chain), anchors: [trusted.certificate], purpose: "clientAuth", now: NOW });
    expect(ask().path).toHaveLength(3);
  });

  test("cost at most the bounds, however they fit together", () => {
    fc.assert(
      fc.property(fc.array(anyCertificate, { minLength: 1, maxLength: 31 }), (soup) => {
        const [leaf, ...others] = parsed(soup);
        if (leaf === undefined) return;
        const budget = new WorkBudget();
        const anchors = [trusted.certificate];
        const search = new PathSearch({
          leaf,
          others,
          anchors,
          now: NOW,
          budget,
          leafRefusal: undefined,
          accept: refuse,
        });
        expect(() => search.find()).toThrow(PkiError);
        expect(budget.spent.signatures).toBeLessThanOrEqual(defaultPathLimits.signatures + 1);
        expect(budget.spent.edges).toBeLessThanOrEqual(defaultPathLimits.edges + 1);
      }),
      { numRuns },
    );
  });
});

describe("bytes of anything", () => {
  const ca = mintCa(trusted, { subject: { CN: "B" } });
  const leaf = mintDevice(ca, "x");
  const crl = mintCrl(ca, { revoked: [leaf] });

  test("D-CERT-32: a certificate with altered bytes is never valid and never a surprise", () => {
    fc.assert(
      fc.property(fc.nat(leaf.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const der = Uint8Array.from(leaf.der);
        der[at] = (der[at] ?? 0) ^ flip;
        const [altered] = parsed([new Minted(der, leaf.key, leaf.name)]);
        if (altered === undefined) return;
        const chain = [altered, ca.certificate];
        const anchors = [trusted.certificate];
        const result = outcome(() => validatePath({ chain, anchors, purpose: "clientAuth", now: NOW }));
        expect(typeof result).toBe("string");
      }),
      { numRuns },
    );
  });

  test("a CRL with altered bytes never clears the certificate that it revokes", () => {
    fc.assert(
      fc.property(fc.nat(crl.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const der = Uint8Array.from(crl.der);
        der[at] = (der[at] ?? 0) ^ flip;
        let altered: CertificateList;
        try {
          altered = parseCertificateList(der);
        } catch (error) {
          if (error instanceof PkiError) return;
          throw error;
        }
        const chain = [leaf.certificate, ca.certificate];
        const anchors = [trusted.certificate];
        const result = outcome(() =>
          validatePath({
            chain,
            anchors,
            purpose: "clientAuth",
            now: NOW,
            crls: [altered],
            revocation: "require",
          }),
        );
        expect(typeof result).toBe("string");
      }),
      { numRuns },
    );
  });
});

test("RFC 9525: a server name of anything matches or is a PkiError, and matches only a name that is there", () => {
  const leaf = mintServer(trusted, ["gateway.example", "*.wild.example", "10.0.0.1"]).certificate;
  fc.assert(
    fc.property(fc.oneof(text, fc.string(), fc.domain(), fc.ipV4(), fc.ipV6()), (serverName) => {
      let isMatch = true;
      try {
        checkServerName(leaf, serverName);
      } catch (error) {
        if (!(error instanceof PkiError)) throw error;
        isMatch = false;
      }
      const isExpected = /^(gateway\.example|[a-z0-9_-]+\.wild\.example|10\.0\.0\.1)\.?$/i.test(serverName);
      expect(isMatch && !isExpected).toBe(false);
    }),
    { numRuns },
  );
});
