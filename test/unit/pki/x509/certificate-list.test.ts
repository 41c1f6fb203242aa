import { describe, expect, it } from "vitest";
import {
  bitString,
  type DerNode,
  encode,
  encoded,
  explicit,
  integer,
  type Optional,
  sequence,
  time,
} from "../../../../pki/der/writer.ts";
import {
  generatePrivateKey,
  KeySigner,
  keyAlgorithms,
  makeExtension,
  Name,
  parseCertificateList,
  type RawExtension,
  signCertificateList,
  verifySignature,
} from "../../../../pki/index.ts";
import { extensionNode } from "../../../../pki/x509/make-extensions.ts";
import { ecdsaWithSha256 } from "../../../support/forge-certificate.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const issuer = Name.of({ CN: "CA" });
const thisUpdate = new Date("2026-11-01T00:00:00Z");
const nextUpdate = new Date("2026-11-08T00:00:00Z");
const signer = new KeySigner(generatePrivateKey("p256"));
const extensions = [makeExtension.cRLNumber(300), makeExtension.authorityKeyIdentifier(new Uint8Array(20))];
const list = (revoked: Parameters<typeof signCertificateList>[0]["revoked"]): Promise<Uint8Array> =>
  signCertificateList({ issuer, thisUpdate, nextUpdate, revoked, extensions }, signer);

interface Forged {
  version?: Optional;
  issuer?: DerNode;
  revoked?: Optional;
  rest?: readonly DerNode[];
}

function codeOf({
  version = integer(1),
  issuer: name = encoded(issuer.der),
  revoked,
  rest = [],
}: Forged): string | undefined {
  const tbs = sequence(version, ecdsaWithSha256, name, time(thisUpdate), time(nextUpdate), revoked, ...rest);
  const der = encode(sequence(tbs, ecdsaWithSha256, bitString(new Uint8Array(70))));
  return pkiErrorCode(() => parseCertificateList(der));
}

const entry = (serialNumber: number, ...entryExtensions: readonly RawExtension[]): DerNode =>
  sequence(
    integer(serialNumber),
    time(thisUpdate),
    entryExtensions.length === 0 ? undefined : sequence(...entryExtensions.map(extensionNode)),
  );

describe("revocation lists", () => {
  it.each(keyAlgorithms)("signed with %s: written, read, verified", async (algorithm) => {
    const key = new KeySigner(generatePrivateKey(algorithm));
    const revoked = [
      { serialNumber: "0a", revocationDate: thisUpdate, reason: "keyCompromise" as const },
      { serialNumber: `00${"ff".repeat(16)}`, revocationDate: thisUpdate },
      { serialNumber: "0b", revocationDate: thisUpdate, reason: "unspecified" as const },
    ];
    const read = parseCertificateList(
      await signCertificateList({ issuer, thisUpdate, nextUpdate, revoked, extensions }, key),
    );
    expect(verifySignature(read, key.publicKey)).toBe(true);
    expect(read.revoked.get("0a")?.reason).toBe("keyCompromise");
    expect(read.revoked.get(`00${"ff".repeat(16)}`)).toEqual({
      serialNumber: `00${"ff".repeat(16)}`,
      revocationDate: thisUpdate,
    });
    expect(read.revoked.get("0b")).not.toHaveProperty("reason");
    expect(read.cRLNumber).toBe("012c");
    expect(read.authorityKeyIdentifier).toEqual(new Uint8Array(20));
    expect(read.nextUpdate).toEqual(nextUpdate);
    expect(read.version).toBe(2);
  });

  it("RFC 5280 §5.1.2.6: with nothing revoked the list is absent", async () => {
    expect(parseCertificateList(await list([])).revoked.size).toBe(0);
    expect(codeOf({ revoked: sequence() })).toBe("PKI_DER_TRUNCATED");
  });

  it("100 000 entries are read within two seconds of CPU time", async () => {
    const revoked = Array.from({ length: 100_000 }, (_, i) => ({
      serialNumber: (0x10000000 + i).toString(16).padStart(32, "1"),
      revocationDate: thisUpdate,
      reason: "superseded" as const,
    }));
    const der = await list(revoked);
    const before = process.cpuUsage();
    const read = parseCertificateList(der);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
    expect(read.revoked.size).toBe(100_000);
    expect(verifySignature(read, signer.publicKey)).toBe(true);
  });

  it("RFC 5280 §5.1: refuses a wrong version, an empty issuer, extensions in version 1, double entries", () => {
    expect(codeOf({})).toBeUndefined();
    expect(codeOf({ version: integer(2) })).toBe("PKI_CRL_MALFORMED");
    expect(codeOf({ issuer: sequence() })).toBe("PKI_CRL_MALFORMED");
    expect(codeOf({ revoked: sequence(entry(1), entry(1)) })).toBe("PKI_CRL_MALFORMED");
    expect(codeOf({ rest: [explicit(0, sequence(...extensions.map(extensionNode)))] })).toBeUndefined();
    expect(codeOf({ rest: [explicit(0, sequence())] })).toBe("PKI_DER_TRUNCATED");
    const twice = [extensions[0], extensions[0]].flatMap((e) => (e === undefined ? [] : [extensionNode(e)]));
    expect(codeOf({ rest: [explicit(0, sequence(...twice))] })).toBe("PKI_CRL_MALFORMED");
  });

  it("RFC 5280 §5.3: keeps note of critical entry extensions that it does not know", () => {
    const unknown = { oid: "2.5.29.29", critical: true, value: Uint8Array.of(0x30, 0) };
    const tbs = sequence(
      integer(1),
      ecdsaWithSha256,
      encoded(issuer.der),
      time(thisUpdate),
      sequence(entry(1, unknown)),
    );
    const read = parseCertificateList(encode(sequence(tbs, ecdsaWithSha256, bitString(new Uint8Array(70)))));
    expect([...read.criticalEntryExtensions]).toEqual(["2.5.29.29"]);
    expect(read.nextUpdate).toBeUndefined();
  });

  it("RFC 5280 §5.3.1, §5.3.2: reads reason and invalidity date, refuses what they cannot be", () => {
    expect(codeOf({ revoked: sequence(entry(1, makeExtension.reasonCode(7))) })).toBe("PKI_CRL_MALFORMED");
    expect(codeOf({ revoked: sequence(entry(1, makeExtension.invalidityDate(thisUpdate))) })).toBeUndefined();
    expect(
      codeOf({ revoked: sequence(entry(1, makeExtension.invalidityDate(new Date("2051-01-01")))) }),
    ).toBeUndefined();
    const broken = { oid: "2.5.29.24", critical: false, value: Buffer.from("180132", "hex") };
    expect(codeOf({ revoked: sequence(entry(1, broken)) })).toBe("PKI_DER_VALUE");
  });

  it("every proper prefix throws PkiError", async () => {
    const der = await list([{ serialNumber: "01", revocationDate: thisUpdate, reason: "keyCompromise" }]);
    for (let length = 0; length < der.length; length++) {
      expect(pkiErrorCode(() => parseCertificateList(der.subarray(0, length)))).toBeDefined();
    }
  });
});
