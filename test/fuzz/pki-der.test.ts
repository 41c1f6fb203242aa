import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { constructed, type DerNode, encode, primitive } from "../../pki/der/writer.ts";
import {
  decodePem,
  decodePkcs12,
  encodePem,
  encodePkcs12,
  generatePrivateKey,
  importPublicKey,
  issueCertificate,
  KeySigner,
  keyAlgorithms,
  makeExtension,
  Name,
  NO_EXPIRY,
  PkiError,
  parseCertificate,
  parseCertificateList,
  parseCertificateRequest,
  readIdentity,
  signCertificateList,
  signCertificateRequest,
  verifyProofOfPossession,
  verifySignature,
} from "../../pki/index.ts";
import { extensionsField, forgeCertificate } from "../support/forge-certificate.ts";

/** FC_RUNS raises the number of cases of each property. */
const numRuns = Number(process.env.FC_RUNS ?? 2000);
const now = new Date();
const signer = new KeySigner(generatePrivateKey("p256"));
const subject = Name.of({ C: "CH", O: "X", CN: "R" });
const root = parseCertificate(
  await issueCertificate("root", { now, publicKey: signer.publicKey, subject }, signer),
);
const identity = { trustDomain: "a.example", id: "pump-7" };

const certificates = [root.der];
for (const algorithm of keyAlgorithms) {
  const { publicKey } = new KeySigner(generatePrivateKey(algorithm));
  certificates.push(await issueCertificate("device", { now, publicKey, issuer: root, identity }, signer));
}
certificates.push(
  await issueCertificate(
    "gateway",
    {
      now,
      publicKey: signer.publicKey,
      issuer: root,
      serverNames: ["localhost", "::1"],
      notAfter: NO_EXPIRY,
    },
    signer,
  ),
  forgeCertificate({
    rest: [
      extensionsField(
        makeExtension.nameConstraints({
          permittedSubtrees: [{ type: "directoryName", value: subject }],
          excludedSubtrees: [{ type: "iPAddress", value: new Uint8Array(32) }],
        }),
        makeExtension.subjectAltName([
          { type: "otherName", typeId: "1.2.3", value: Uint8Array.of(5, 0) },
          { type: "registeredID", value: "1.2.3" },
        ]),
      ),
    ],
  }),
);
const requests = [
  await signCertificateRequest(
    { subject, extensions: [makeExtension.subjectAltName([{ type: "dNSName", value: "a.example" }])] },
    signer,
  ),
];
const lists = [
  await signCertificateList(
    {
      issuer: subject,
      thisUpdate: now,
      nextUpdate: NO_EXPIRY,
      revoked: [{ serialNumber: "0102", revocationDate: now, reason: "keyCompromise" }],
      extensions: [makeExtension.cRLNumber(7), makeExtension.authorityKeyIdentifier(new Uint8Array(20))],
    },
    signer,
  ),
];
const [, leaf] = certificates.map((der) => parseCertificate(der));
const pkcs12 = encodePkcs12({
  privateKey: generatePrivateKey("p256"),
  certificates: [leaf ?? root],
  passphrase: "x",
  iterations: 1,
});

/** Everything a reader of a certificate may do with it. */
const uses: Readonly<Record<string, { seeds: readonly Uint8Array[]; use: (der: Uint8Array) => unknown }>> = {
  certificate: {
    seeds: certificates,
    use: (der) => {
      const certificate = parseCertificate(der);
      certificate.subject.toString();
      certificate.issuer.values("2.5.4.3");
      verifySignature(certificate, certificate.publicKey);
      readIdentity(certificate);
      return certificate.fingerprint;
    },
  },
  "certificate request": {
    seeds: requests,
    use: (der) => verifyProofOfPossession(parseCertificateRequest(der)),
  },
  "revocation list": {
    seeds: lists,
    use: (der) => {
      const list = parseCertificateList(der);
      verifySignature(list, signer.publicKey);
      return [list.cRLNumber, list.authorityKeyIdentifier];
    },
  },
  "public key": {
    seeds: certificates.map((der) => parseCertificate(der).subjectPublicKeyInfo),
    use: importPublicKey,
  },
  name: { seeds: [subject.der], use: (der) => Name.fromDer(der).toString() },
  "PKCS#12 file": { seeds: [pkcs12], use: (der) => decodePkcs12(der, "x") },
};

/** What `use` threw that is no PkiError: a finding. */
function foreignError(use: (der: Uint8Array) => unknown, der: Uint8Array): unknown {
  try {
    use(der);
    return undefined;
  } catch (error) {
    return error instanceof PkiError ? undefined : error;
  }
}

const edit = fc.record({
  at: fc.nat(20_000),
  remove: fc.nat({ max: 4 }),
  insert: fc.uint8Array({ maxLength: 4 }),
});
const flip = fc.record({ at: fc.nat(20_000), mask: fc.integer({ min: 1, max: 255 }) });

function mutated(
  seed: Uint8Array,
  edits: ReadonlyArray<{ at: number; remove: number; insert: Uint8Array }>,
): Uint8Array {
  let bytes = Buffer.from(seed);
  for (const { at, remove, insert } of edits) {
    const start = at % (bytes.length + 1);
    bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
  }
  return bytes;
}

describe.each(Object.entries(uses))("%s", (_, { seeds, use }) => {
  it("random bytes throw nothing but PkiError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (der) => {
        expect(foreignError(use, der)).toBeUndefined();
      }),
      { numRuns },
    );
  });

  it("good bytes with octets changed throw nothing but PkiError", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(flip, { minLength: 1, maxLength: 3 }),
        (seed, flips) => {
          const der = Uint8Array.from(seed);
          for (const { at, mask } of flips) der[at % der.length] = (der[at % der.length] ?? 0) ^ mask;
          expect(foreignError(use, der)).toBeUndefined();
        },
      ),
      { numRuns },
    );
  });

  it("good bytes with pieces taken out and put in throw nothing but PkiError", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (seed, edits) => {
          expect(foreignError(use, mutated(seed, edits))).toBeUndefined();
        },
      ),
      { numRuns },
    );
  });

  it("a random tree of DER values throws nothing but PkiError", () => {
    const { tree } = fc.letrec<{ tree: DerNode }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc
          .tuple(
            fc.constantFrom(1, 2, 3, 4, 5, 6, 10, 12, 19, 22, 23, 24, 0x80, 0x82, 0x86),
            fc.uint8Array({ maxLength: 20 }),
          )
          .map(([tag, content]) => primitive(tag, content)),
        fc
          .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa3, 0xa4), fc.array(tie("tree"), { maxLength: 6 }))
          .map(([tag, children]) => constructed(tag, children)),
      ),
    }));
    fc.assert(
      fc.property(tree, (node) => {
        expect(foreignError(use, encode(node))).toBeUndefined();
      }),
      { numRuns },
    );
  });
});

describe("signatures", () => {
  it("no single changed octet leaves a certificate that still verifies and is not the same", () => {
    const der = leaf?.der ?? root.der;
    for (let at = 0; at < der.length; at++) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      let verified = false;
      const foreign = foreignError(() => {
        verified = verifySignature(parseCertificate(changed), root.publicKey);
      }, changed);
      expect(foreign).toBeUndefined();
      expect(verified, `octet ${at}`).toBe(false);
    }
  });
});

describe("PEM", () => {
  it("any text throws nothing but PkiError as PEM, and PEM comes back", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200 }),
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        (text, der) => {
          expect(foreignError(() => decodePem(text), der)).toBeUndefined();
          expect(
            foreignError(() => decodePem(`-----BEGIN X-----${text}-----END X-----`), der),
          ).toBeUndefined();
          expect(decodePem(`${text.replaceAll("-", "")}\n${encodePem("X", der)}`)[0]?.der).toEqual(der);
        },
      ),
      { numRuns },
    );
  });
});
