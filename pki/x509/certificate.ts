import { hash, type KeyObject } from "node:crypto";
import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed, contextPrimitive } from "../der/tag.ts";
import { PkiError, type PkiErrorCode } from "../errors.ts";
import { decodePem } from "../pem.ts";
import { sameBytes } from "../same-bytes.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithms.ts";
import {
  type BasicConstraints,
  type KeyUsage,
  type KnownExtensions,
  type NameConstraints,
  type RawExtension,
  readExtensions,
  readKnownExtensions,
} from "./extensions.ts";
import type { GeneralName } from "./general-name.ts";
import { Name } from "./name.ts";
import { Extension } from "./oids.ts";
import { importPublicKey, readSubjectPublicKeyInfo } from "./public-key.ts";

/** A parsed certificate: every field was read strictly, nothing about it was believed. */
export class Certificate {
  readonly der: Uint8Array;
  /** The signed bytes. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Lower-case hex of the INTEGER's content octets. */
  readonly serialNumber: string;
  /** OID */
  readonly signatureAlgorithm: string;
  /** DER of the algorithm's parameters, where there are any. */
  readonly signatureParameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly RawExtension[];
  readonly #known: KnownExtensions;
  #publicKey: KeyObject | undefined;
  #fingerprint: string | undefined;

  private constructor(der: Uint8Array, outer: SignedOuter, tbs: TbsCertificate) {
    this.der = der;
    this.tbs = outer.tbs;
    this.version = tbs.version;
    this.serialNumber = tbs.serialNumber;
    this.signatureAlgorithm = outer.algorithm.algorithm;
    this.signatureParameters = outer.algorithm.parameters;
    this.signature = outer.signature;
    this.issuer = tbs.issuer;
    this.subject = tbs.subject;
    this.notBefore = tbs.notBefore;
    this.notAfter = tbs.notAfter;
    this.subjectPublicKeyInfo = tbs.subjectPublicKeyInfo;
    this.extensions = tbs.extensions;
    this.#known = tbs.known;
  }

  static parse(bytes: Uint8Array): Certificate {
    // A copy: what the caller does to its bytes later cannot part the fields from the fingerprint.
    const der = new Uint8Array(bytes);
    const { outer, tbs } = decode(der, "Certificate", (reader) =>
      readSigned(reader, "Certificate", "PKI_CERTIFICATE_MALFORMED", readTbsCertificate),
    );
    return new Certificate(der, outer, tbs);
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.#known.basicConstraints;
  }
  get keyUsage(): ReadonlySet<KeyUsage> | undefined {
    return this.#known.keyUsage;
  }
  /** OIDs */
  get extendedKeyUsage(): readonly string[] | undefined {
    return this.#known.extendedKeyUsage;
  }
  get subjectAltName(): readonly GeneralName[] | undefined {
    return this.#known.subjectAltName;
  }
  get nameConstraints(): NameConstraints | undefined {
    return this.#known.nameConstraints;
  }
  /** Its keyIdentifier field. */
  get authorityKeyIdentifier(): Uint8Array | undefined {
    return this.#known.authorityKeyIdentifier;
  }
  get subjectKeyIdentifier(): Uint8Array | undefined {
    return this.#known.subjectKeyIdentifier;
  }
  /** Throws PKI_PUBLIC_KEY_INVALID on first use when the key is none. */
  get publicKey(): KeyObject {
    this.#publicKey ??= importPublicKey(this.subjectPublicKeyInfo);
    return this.#publicKey;
  }
  /** Lower-case hex SHA-256 over the DER. */
  get fingerprint(): string {
    this.#fingerprint ??= hash("sha256", this.der);
    return this.#fingerprint;
  }
  /** RFC 5280 §3.2: issuer and subject are the same name. Says nothing about the signature. */
  get isSelfIssued(): boolean {
    return this.issuer.equals(this.subject);
  }
}

/** One DER certificate that fills `der`. Throws PKI_DER_* or PKI_CERTIFICATE_MALFORMED. */
export function parseCertificate(der: Uint8Array): Certificate {
  return Certificate.parse(der);
}

/** Every CERTIFICATE block of a PEM text, in order; at least one. */
export function parseCertificates(pem: string): Certificate[] {
  return decodePem(pem, "CERTIFICATE").map(({ der }) => Certificate.parse(der));
}

interface SignedOuter {
  readonly tbs: Uint8Array;
  readonly algorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/**
 * The outer shape that certificates and CRLs share (RFC 5280 §4.1, §5.1)
 *     SEQUENCE {
 *       tbs                 ...,   -- with the same AlgorithmIdentifier in it
 *       signatureAlgorithm  AlgorithmIdentifier,
 *       signature           BIT STRING }
 */
export function readSigned<T extends { readonly signature: AlgorithmIdentifier }>(
  reader: DerReader,
  what: string,
  malformed: PkiErrorCode,
  readTbs: (fields: DerReader) => T,
): { outer: SignedOuter; tbs: T } {
  const fields = reader.sequence(what);
  const inner = fields.sequence(`TBS${what}`);
  const bytes = fields.lastEncoded;
  const tbs = readTbs(inner);
  inner.end(`TBS${what}`);
  const algorithm = readAlgorithmIdentifier(fields, "signatureAlgorithm");
  const signature = fields.bitString("signatureValue");
  fields.end(what);
  // RFC 5280 §4.1.1.2, §5.1.1.2: signatureAlgorithm MUST contain the same identifier as the signed field.
  if (!sameBytes(algorithm.der, tbs.signature.der)) {
    throw new PkiError(malformed, "the signature algorithm outside differs from the one that is signed");
  }
  return { outer: { tbs: bytes, algorithm, signature }, tbs };
}

interface TbsCertificate {
  readonly version: 1 | 2 | 3;
  readonly serialNumber: string;
  readonly signature: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly RawExtension[];
  readonly known: KnownExtensions;
}

/**
 * RFC 5280 §4.1
 *     TBSCertificate ::= SEQUENCE {
 *       version               [0]  Version DEFAULT v1,
 *       serialNumber               CertificateSerialNumber,
 *       signature                  AlgorithmIdentifier,
 *       issuer                     Name,
 *       validity                   Validity,
 *       subject                    Name,
 *       subjectPublicKeyInfo       SubjectPublicKeyInfo,
 *       issuerUniqueID        [1]  IMPLICIT UniqueIdentifier OPTIONAL,
 *       subjectUniqueID       [2]  IMPLICIT UniqueIdentifier OPTIONAL,
 *       extensions            [3]  Extensions OPTIONAL }
 *     Validity ::= SEQUENCE { notBefore Time, notAfter Time }
 */
function readTbsCertificate(fields: DerReader): TbsCertificate {
  const version = readVersion(fields);
  const serialNumber = readSerialNumber(fields);
  const signature = readAlgorithmIdentifier(fields, "signature");
  const issuer = Name.read(fields);
  const validity = fields.sequence("Validity");
  const notBefore = validity.time("notBefore");
  const notAfter = validity.time("notAfter");
  validity.end("Validity");
  const subject = Name.read(fields);
  const subjectPublicKeyInfo = readSubjectPublicKeyInfo(fields).der;
  if (version > 1) {
    for (const n of [1, 2]) {
      if (fields.tag === contextPrimitive(n)) fields.read(contextPrimitive(n), "UniqueIdentifier");
    }
  }
  const extensions = version === 3 ? readTbsExtensions(fields) : [];
  const known = readKnownExtensions(extensions);
  // RFC 5280 §4.1.2.4: the issuer field MUST contain a non-empty distinguished name.
  if (issuer.isEmpty) throw malformed("the issuer is an empty name");
  // RFC 5280 §4.1.2.6: an empty subject needs a critical subjectAltName.
  if (subject.isEmpty && !extensions.some((e) => e.oid === Extension.subjectAltName && e.critical)) {
    throw malformed("an empty subject without a critical subjectAltName");
  }
  return {
    version,
    serialNumber,
    signature,
    issuer,
    notBefore,
    notAfter,
    subject,
    subjectPublicKeyInfo,
    extensions,
    known,
  };
}

/** `Version ::= INTEGER { v1(0), v2(1), v3(2) }`; X.690 §11.5: the DEFAULT v1 is not written. */
function readVersion(fields: DerReader): 1 | 2 | 3 {
  if (fields.tag !== contextConstructed(0)) return 1;
  const wrapped = fields.enter(contextConstructed(0), "Version");
  const version = wrapped.smallInteger("Version");
  wrapped.end("Version");
  if (version !== 1 && version !== 2) throw malformed(`version ${version + 1} of X.509, written in full`);
  return version === 1 ? 2 : 3;
}

/** RFC 5280 §4.1.2.2: a positive integer of at most 20 octets. */
export function readSerialNumber(fields: DerReader): string {
  const octets = fields.integer("CertificateSerialNumber");
  const first = octets[0] ?? 0;
  if (octets.length > 20 || first >= 0x80 || (octets.length === 1 && first === 0)) {
    throw malformed("a serial number must be positive and of at most 20 octets");
  }
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("hex");
}

function readTbsExtensions(fields: DerReader): RawExtension[] {
  if (fields.atEnd) return [];
  const wrapped = fields.enter(contextConstructed(3), "extensions");
  const extensions = readExtensions(wrapped, "PKI_CERTIFICATE_MALFORMED");
  wrapped.end("extensions");
  return extensions;
}

function malformed(message: string): PkiError {
  return new PkiError("PKI_CERTIFICATE_MALFORMED", message);
}
