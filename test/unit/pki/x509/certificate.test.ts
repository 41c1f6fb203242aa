import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  bitString,
  boolean,
  type DerNode,
  encode,
  explicit,
  implicit,
  integer,
  nullValue,
  type Optional,
  objectIdentifier,
  octetString,
  primitive,
  sequence,
  setOf,
  utf8String,
} from "../../../../pki/der/writer.ts";
import {
  type Certificate,
  encodePem,
  generatePrivateKey,
  issueCertificate,
  KeySigner,
  makeExtension,
  Name,
  parseCertificate,
  parseCertificates,
  verifySignature,
} from "../../../../pki/index.ts";
import { extensionsField, forgeCertificate } from "../../../support/forge-certificate.ts";
import { pkiErrorCode } from "../../../support/pki-error-code.ts";

const signer = new KeySigner(generatePrivateKey("p256"));
const root = parseCertificate(
  await issueCertificate(
    "root",
    {
      publicKey: signer.publicKey,
      subject: Name.of({ C: "CH", O: 'Ex"am,ple', CN: "Root ü" }),
      now: new Date(),
    },
    signer,
  ),
);
const codeOf = (fields: Parameters<typeof forgeCertificate>[0]): string | undefined =>
  pkiErrorCode(() => parseCertificate(forgeCertificate(fields)));

const der = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");
const raw = (oid: string, value: Uint8Array, critical = false): Parameters<typeof forgeCertificate>[0] => ({
  rest: [extensionsField({ oid, critical, value })],
});
const name = (value: DerNode): DerNode => sequence(setOf(sequence(objectIdentifier("2.5.4.3"), value)));
const ecKey = (parameters: Optional): DerNode =>
  sequence(
    sequence(objectIdentifier("1.2.840.10045.2.1"), parameters),
    bitString(new Uint8Array(65).fill(4)),
  );

describe("a certificate that OpenSSL parses too", () => {
  const other = new X509Certificate(root.der);

  it("reads the same fields", () => {
    expect(root.version).toBe(3);
    expect(root.serialNumber).toBe(other.serialNumber.toLowerCase());
    expect(root.fingerprint).toBe(other.fingerprint256.replaceAll(":", "").toLowerCase());
    expect(root.notBefore.getTime()).toBe(Date.parse(other.validFrom));
    expect(root.notAfter.getTime()).toBe(Date.parse(other.validTo));
    expect(root.basicConstraints).toEqual({ ca: other.ca });
    expect([...(root.keyUsage ?? [])]).toEqual(["keyCertSign", "cRLSign"]);
    expect(root.publicKey.equals(other.publicKey)).toBe(true);
    expect(root.isSelfIssued).toBe(true);
    expect(verifySignature(root, root.publicKey)).toBe(true);
  });

  it("RFC 4514: shows the subject last RDN first, with escapes", () => {
    expect(root.subject.toString()).toBe('CN=Root ü,O=Ex\\"am\\,ple,C=CH');
    expect(root.subject.values("2.5.4.3")).toEqual(["Root ü"]);
  });

  it("every proper prefix throws PkiError, and so does one byte more", () => {
    for (let length = 0; length < root.der.length; length++) {
      expect(pkiErrorCode(() => parseCertificate(root.der.subarray(0, length)))).toBeDefined();
    }
    expect(pkiErrorCode(() => parseCertificate(Buffer.concat([root.der, Uint8Array.of(0)])))).toBe(
      "PKI_DER_TRAILING",
    );
  });

  it("bytes that change after the parsing do not change the certificate", () => {
    const bytes = Uint8Array.from(root.der);
    const certificate = parseCertificate(bytes);
    bytes.fill(0);
    expect(certificate.fingerprint).toBe(root.fingerprint);
    expect(verifySignature(certificate, certificate.publicKey)).toBe(true);
  });

  it("reads every block of a PEM text in order", () => {
    const pem = `noise\n${encodePem("CERTIFICATE", root.der)}more\n${encodePem("CERTIFICATE", forgeCertificate())}`;
    expect(parseCertificates(pem).map((c) => c.subject.toString())).toEqual([
      root.subject.toString(),
      "CN=forged",
    ]);
  });

  it("does not verify under another key, or with another type of key", () => {
    const others = [generatePrivateKey("p256"), generatePrivateKey("ed25519")].map(
      (key) => new KeySigner(key),
    );
    for (const { publicKey } of others) expect(verifySignature(root, publicKey)).toBe(false);
    const signature = Uint8Array.from(root.signature).fill(0);
    expect(verifySignature({ ...signedPart(root), signature }, root.publicKey)).toBe(false);
    expect(verifySignature({ ...signedPart(root), signature: new Uint8Array(0) }, root.publicKey)).toBe(
      false,
    );
  });

  it("a signature that is right, under the name of another kind of algorithm, does not verify", async () => {
    const rsa = new KeySigner(generatePrivateKey("rsa:2048"));
    const tbs = Uint8Array.of(1, 2, 3);
    const signature = await rsa.sign(tbs);
    const asEcdsa = {
      tbs,
      signature,
      signatureAlgorithm: "1.2.840.10045.4.3.2",
      signatureParameters: undefined,
    };
    const asRsa = {
      ...asEcdsa,
      signatureAlgorithm: "1.2.840.113549.1.1.11",
      signatureParameters: Uint8Array.of(5, 0),
    };
    expect(verifySignature(asRsa, rsa.publicKey)).toBe(true);
    expect(verifySignature(asEcdsa, rsa.publicKey)).toBe(false);
  });

  it("SHA-1, unknown algorithms and misplaced parameters never verify", () => {
    for (const change of [
      { signatureAlgorithm: "1.2.840.10045.4.1" },
      { signatureAlgorithm: "1.2.840.113549.1.1.5", signatureParameters: Uint8Array.of(5, 0) },
      { signatureParameters: Uint8Array.of(5, 0) },
      { signatureAlgorithm: "1.2.840.113549.1.1.11" },
    ]) {
      expect(pkiErrorCode(() => verifySignature({ ...signedPart(root), ...change }, root.publicKey))).toBe(
        "PKI_ALGORITHM_UNSUPPORTED",
      );
    }
  });
});

describe("RFC 5280 §4.1: fields", () => {
  it("takes the forged certificate as it is before a field is broken", () => {
    expect(codeOf({})).toBeUndefined();
    expect(parseCertificate(forgeCertificate({ version: undefined })).version).toBe(1);
  });

  it("§4.1.1.2: refuses a signatureAlgorithm that differs from the signed one", () => {
    expect(codeOf({ signatureAlgorithm: sequence(objectIdentifier("1.2.840.10045.4.3.3")) })).toBe(
      "PKI_CERTIFICATE_MALFORMED",
    );
    // The same algorithm with other parameters is another identifier.
    expect(
      codeOf({ signatureAlgorithm: sequence(objectIdentifier("1.2.840.10045.4.3.2"), nullValue()) }),
    ).toBe("PKI_CERTIFICATE_MALFORMED");
  });

  it.each([
    ["v1 written out", explicit(0, integer(0))],
    ["v4", explicit(0, integer(3))],
  ])("§4.1.2.1: refuses version %s", (_, version) => {
    expect(codeOf({ version })).toBe("PKI_CERTIFICATE_MALFORMED");
  });

  it("§4.1.2.1: refuses extensions in a certificate that is not version 3", () => {
    const rest = [extensionsField(makeExtension.basicConstraints({ ca: true }))];
    expect(codeOf({ version: explicit(0, integer(1)), rest })).toBe("PKI_DER_TRAILING");
    expect(codeOf({ version: undefined, rest })).toBe("PKI_DER_TRAILING");
  });

  it.each([
    ["zero", integer(0)],
    ["negative", primitive(0x02, Uint8Array.of(0x80))],
    ["of 21 octets", integer(new Uint8Array(21).fill(1))],
    ["of 20 octets and a sign octet", integer(new Uint8Array(20).fill(0xff))],
  ])("§4.1.2.2: refuses a serial number that is %s", (_, serialNumber) => {
    expect(codeOf({ serialNumber })).toBe("PKI_CERTIFICATE_MALFORMED");
  });

  it("§4.1.2.2: takes a serial number of 20 octets", () => {
    const serialNumber = integer(new Uint8Array(20).fill(0x7f));
    expect(parseCertificate(forgeCertificate({ serialNumber })).serialNumber).toBe("7f".repeat(20));
  });

  it("§4.1.2.4: refuses an empty issuer", () => {
    expect(codeOf({ issuer: sequence() })).toBe("PKI_CERTIFICATE_MALFORMED");
  });

  it("§4.1.2.6: an empty subject needs a critical subjectAltName", () => {
    const names = [{ type: "dNSName", value: "a.example" }] as const;
    const subject = sequence();
    expect(codeOf({ subject })).toBe("PKI_CERTIFICATE_MALFORMED");
    expect(codeOf({ subject, rest: [extensionsField(makeExtension.subjectAltName(names))] })).toBe(
      "PKI_CERTIFICATE_MALFORMED",
    );
    expect(
      codeOf({ subject, rest: [extensionsField(makeExtension.subjectAltName(names, true))] }),
    ).toBeUndefined();
  });

  it("refuses a NUL and broken UTF-8 in a name, and an RDN without attributes", () => {
    expect(codeOf({ subject: name(utf8String("device-1\0.evil")) })).toBe("PKI_DER_VALUE");
    expect(codeOf({ subject: name(primitive(0x0c, Uint8Array.of(0xc3, 0x28))) })).toBe("PKI_DER_VALUE");
    expect(codeOf({ subject: name(primitive(0x13, Buffer.from("a\u0007b"))) })).toBe("PKI_DER_VALUE");
    expect(codeOf({ subject: name(utf8String("")) })).toBe("PKI_DER_VALUE");
    expect(codeOf({ subject: sequence(setOf()) })).toBe("PKI_DER_TRUNCATED");
  });

  it("RFC 5480 §2.1.1: refuses explicit and implicit EC parameters", () => {
    expect(codeOf({ subjectPublicKeyInfo: ecKey(sequence(integer(1))) })).toBe("PKI_PUBLIC_KEY_INVALID");
    expect(codeOf({ subjectPublicKeyInfo: ecKey(nullValue()) })).toBe("PKI_PUBLIC_KEY_INVALID");
    expect(codeOf({ subjectPublicKeyInfo: ecKey(undefined) })).toBe("PKI_PUBLIC_KEY_INVALID");
  });

  it("a key that is none fails when it is first used, with a code", () => {
    const offCurve = sequence(
      sequence(objectIdentifier("1.2.840.10045.2.1"), objectIdentifier("1.2.840.10045.3.1.7")),
      bitString(new Uint8Array(65).fill(4)),
    );
    const certificate = parseCertificate(forgeCertificate({ subjectPublicKeyInfo: offCurve }));
    expect(pkiErrorCode(() => certificate.publicKey)).toBe("PKI_PUBLIC_KEY_INVALID");
  });

  it("RFC 5480 §2.2: refuses a compressed EC point, so that a key has one encoding and one pin", () => {
    const compressed = sequence(
      sequence(objectIdentifier("1.2.840.10045.2.1"), objectIdentifier("1.2.840.10045.3.1.7")),
      bitString(Buffer.from("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296", "hex")),
    );
    const certificate = parseCertificate(forgeCertificate({ subjectPublicKeyInfo: compressed }));
    expect(pkiErrorCode(() => certificate.publicKey)).toBe("PKI_PUBLIC_KEY_INVALID");
  });

  it("takes unique identifiers, which old certificates have", () => {
    const rest = [implicit(1, bitString(Uint8Array.of(1)))];
    expect(codeOf({ version: explicit(0, integer(1)), rest })).toBeUndefined();
    expect(codeOf({ version: undefined, rest })).toBe("PKI_DER_TRAILING");
  });
});

describe("RFC 5280 §4.2: extensions", () => {
  it("refuses the same extension twice, known or not", () => {
    const unknown = { oid: "1.2.3.4", critical: false, value: Uint8Array.of(5, 0) };
    expect(codeOf({ rest: [extensionsField(unknown, unknown)] })).toBe("PKI_CERTIFICATE_MALFORMED");
    const san = makeExtension.subjectAltName([{ type: "dNSName", value: "a.example" }]);
    expect(codeOf({ rest: [extensionsField(san, san)] })).toBe("PKI_CERTIFICATE_MALFORMED");
  });

  it("X.690 §11.5: refuses `critical FALSE` and `cA FALSE` written out", () => {
    const written = sequence(objectIdentifier("1.2.3.4"), boolean(false), octetString(nullValue()));
    expect(codeOf({ rest: [explicit(3, sequence(written))] })).toBe("PKI_DER_VALUE");
    expect(codeOf(raw("2.5.29.19", der("30 03 01 01 00")))).toBe("PKI_DER_VALUE");
  });

  it("refuses an empty Extensions and more than 64", () => {
    expect(codeOf({ rest: [explicit(3, sequence())] })).toBe("PKI_DER_TRUNCATED");
    const many = Array.from({ length: 65 }, (_, i) => ({
      oid: `1.2.3.${i}`,
      critical: false,
      value: Uint8Array.of(5, 0),
    }));
    expect(codeOf({ rest: [extensionsField(...many)] })).toBe("PKI_DER_LIMIT");
  });

  it.each([
    ["bytes after BasicConstraints", "2.5.29.19", "30 00 05 00", "PKI_DER_TRAILING"],
    [
      "a field too many in BasicConstraints",
      "2.5.29.19",
      "30 08 01 01 ff 02 01 00 05 00",
      "PKI_DER_TRAILING",
    ],
    ["a negative pathLenConstraint", "2.5.29.19", "30 06 01 01 ff 02 01 ff", "PKI_DER_VALUE"],
    ["pathLenConstraint without cA", "2.5.29.19", "30 03 02 01 00", "PKI_CERTIFICATE_MALFORMED"],
    ["KeyUsage without a bit", "2.5.29.15", "03 01 00", "PKI_CERTIFICATE_MALFORMED"],
    ["KeyUsage with bit 9", "2.5.29.15", "03 03 06 00 40", "PKI_CERTIFICATE_MALFORMED"],
    ["an empty ExtKeyUsageSyntax", "2.5.29.37", "30 00", "PKI_DER_TRUNCATED"],
    ["an empty SubjectAltName", "2.5.29.17", "30 00", "PKI_DER_TAG"],
    ["a dNSName with a NUL", "2.5.29.17", "30 05 82 03 61 00 62", "PKI_DER_VALUE"],
    ["a dNSName beyond ASCII", "2.5.29.17", "30 04 82 02 c3 a9", "PKI_DER_VALUE"],
    ["a dNSName of one space", "2.5.29.17", "30 03 82 01 20", "PKI_DER_VALUE"],
    ["an empty URI", "2.5.29.17", "30 02 86 00", "PKI_DER_VALUE"],
    ["a URI with a line feed", "2.5.29.17", "30 05 86 03 61 0a 62", "PKI_DER_VALUE"],
    ["an iPAddress of five octets", "2.5.29.17", "30 07 87 05 01 02 03 04 05", "PKI_DER_VALUE"],
    ["a tenth kind of name", "2.5.29.17", "30 02 89 00", "PKI_DER_TAG"],
    ["empty NameConstraints", "2.5.29.30", "30 00", "PKI_CERTIFICATE_MALFORMED"],
    [
      "a GeneralSubtree with a minimum",
      "2.5.29.30",
      "30 0a a0 08 30 06 82 01 61 80 01 01",
      "PKI_CERTIFICATE_MALFORMED",
    ],
    [
      "an address constraint without a mask",
      "2.5.29.30",
      "30 0a a0 08 30 06 87 04 01 02 03 04",
      "PKI_DER_VALUE",
    ],
    ["a SubjectKeyIdentifier that is none", "2.5.29.14", "02 01 01", "PKI_DER_TAG"],
    ["an AuthorityKeyIdentifier with a stray field", "2.5.29.35", "30 02 83 00", "PKI_DER_TRAILING"],
  ])("refuses %s", (_, oid, value, code) => {
    expect(codeOf(raw(oid, der(value), oid === "2.5.29.30"))).toBe(code);
  });

  it("reads the nine kinds of general name", () => {
    const directoryName = Name.of({ CN: "x" });
    const names = [
      { type: "otherName", typeId: "1.2.3", value: Uint8Array.of(5, 0) },
      { type: "rfc822Name", value: "a@b.example" },
      { type: "dNSName", value: "a.example" },
      { type: "directoryName", value: directoryName },
      { type: "uniformResourceIdentifier", value: "urn:x" },
      { type: "iPAddress", value: Uint8Array.of(127, 0, 0, 1) },
      { type: "registeredID", value: "1.2.3" },
      { type: "x400Address", value: Uint8Array.of(0xa3, 0) },
      { type: "ediPartyName", value: Uint8Array.of(0xa5, 0) },
    ] as const;
    const read = parseCertificate(
      forgeCertificate({ rest: [extensionsField(makeExtension.subjectAltName(names))] }),
    );
    expect(read.subjectAltName?.map((n) => n.type)).toEqual(names.map((n) => n.type));
    expect(read.subjectAltName?.[0]).toMatchObject({ typeId: "1.2.3" });
    expect(read.subjectAltName?.[3]?.value.toString()).toBe("CN=x");
  });

  it("reads name constraints", () => {
    const constraints = {
      permittedSubtrees: [{ type: "dNSName", value: "example" }],
      excludedSubtrees: [{ type: "iPAddress", value: new Uint8Array(8) }],
    } as const;
    const read = parseCertificate(
      forgeCertificate({ rest: [extensionsField(makeExtension.nameConstraints(constraints))] }),
    );
    expect(read.nameConstraints).toEqual(constraints);
  });
});

describe("bounds", () => {
  it("an extension of 64 kB is refused within 50 ms", () => {
    const value = encode(sequence(...Array.from({ length: 21_000 }, () => boolean(true))));
    expect(cpuMs({ rest: [extensionsField({ oid: "2.5.29.17", critical: false, value })] })).toBeLessThan(50);
    expect(
      codeOf({ rest: [extensionsField({ oid: "1.2.3", critical: false, value: new Uint8Array(65_536) })] }),
    ).toBe("PKI_DER_LIMIT");
  });

  it("60 kB of names, below the size limit, are refused within 50 ms", () => {
    const names = Array.from({ length: 15_000 }, () => ({ type: "dNSName", value: "ab" }) as const);
    const rest = [extensionsField(makeExtension.subjectAltName(names))];
    expect(cpuMs({ rest })).toBeLessThan(50);
    expect(codeOf({ rest })).toBe("PKI_DER_LIMIT");
    const constraints = makeExtension.nameConstraints({
      permittedSubtrees: names.slice(0, 1025),
      excludedSubtrees: [],
    });
    expect(codeOf({ rest: [extensionsField(constraints)] })).toBe("PKI_DER_LIMIT");
  });

  it("60 kB of attributes in a name are read within 50 ms", () => {
    const attribute = setOf(sequence(objectIdentifier("2.5.4.3"), utf8String("a")));
    expect(cpuMs({ subject: sequence(...Array.from({ length: 4500 }, () => attribute)) })).toBeLessThan(50);
  });

  it("deep nesting in a name is refused", () => {
    let value = nullValue();
    for (let i = 0; i < 60; i++) value = sequence(value);
    expect(codeOf({ subject: sequence(setOf(sequence(objectIdentifier("2.5.4.3"), value))) })).toBe(
      "PKI_DER_LIMIT",
    );
  });
});

/** CPU time of one parse, the least of three: other programs on the machine do not count. */
function cpuMs(fields: Parameters<typeof forgeCertificate>[0]): number {
  const der = forgeCertificate(fields);
  const times = [0, 1, 2].map(() => {
    const before = process.cpuUsage();
    pkiErrorCode(() => parseCertificate(der));
    const used = process.cpuUsage(before);
    return (used.user + used.system) / 1000;
  });
  return Math.min(...times);
}

function signedPart(certificate: Certificate): Parameters<typeof verifySignature>[0] {
  const { tbs, signatureAlgorithm, signatureParameters, signature } = certificate;
  return { tbs, signatureAlgorithm, signatureParameters, signature };
}
