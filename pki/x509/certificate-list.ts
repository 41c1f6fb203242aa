import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed, Tag } from "../der/tag.ts";
import { decodeTime } from "../der/time.ts";
import { PkiError } from "../errors.ts";
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from "./algorithms.ts";
import { readSerialNumber, readSigned } from "./certificate.ts";
import { type RawExtension, readAuthorityKeyIdentifier, readExtensions } from "./extensions.ts";
import { Name } from "./name.ts";
import { Extension } from "./oids.ts";

/** RFC 5280 §5.3.1: CRLReason ::= ENUMERATED */
export const CRLReason = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
export type CRLReason = keyof typeof CRLReason;

export interface RevokedCertificate {
  readonly serialNumber: string;
  readonly revocationDate: Date;
  readonly reason?: CRLReason;
}

interface TbsCertList {
  readonly version: 1 | 2;
  readonly signature: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly revoked: ReadonlyMap<string, RevokedCertificate>;
  readonly criticalEntryExtensions: ReadonlySet<string>;
  readonly extensions: readonly RawExtension[];
}

/** A parsed certificate revocation list. */
export class CertificateList {
  readonly der: Uint8Array;
  /** The signed bytes. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2;
  /** OID */
  readonly signatureAlgorithm: string;
  readonly signatureParameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** By serial number, lower-case hex. */
  readonly revoked: ReadonlyMap<string, RevokedCertificate>;
  /** OIDs of critical entry extensions that are not reasonCode or invalidityDate: RFC 5280 §5.3 refuses such a list. */
  readonly criticalEntryExtensions: ReadonlySet<string>;
  readonly extensions: readonly RawExtension[];

  private constructor(der: Uint8Array) {
    const { outer, tbs } = decode(
      der,
      "CertificateList",
      (reader) => readSigned(reader, "CertificateList", "PKI_CRL_MALFORMED", readTbsCertList),
      CRL_LIMITS,
    );
    this.der = der;
    this.tbs = outer.tbs;
    this.version = tbs.version;
    this.signatureAlgorithm = outer.algorithm.algorithm;
    this.signatureParameters = outer.algorithm.parameters;
    this.signature = outer.signature;
    this.issuer = tbs.issuer;
    this.thisUpdate = tbs.thisUpdate;
    this.nextUpdate = tbs.nextUpdate;
    this.revoked = tbs.revoked;
    this.criticalEntryExtensions = tbs.criticalEntryExtensions;
    this.extensions = tbs.extensions;
  }

  static parse(der: Uint8Array): CertificateList {
    return new CertificateList(new Uint8Array(der));
  }

  /** Lower-case hex of the CRL number (RFC 5280 §5.2.3). */
  get cRLNumber(): string | undefined {
    return this.#decode(Extension.cRLNumber, (r) => Buffer.from(r.integer("CRLNumber")).toString("hex"));
  }

  /** Its keyIdentifier field. */
  get authorityKeyIdentifier(): Uint8Array | undefined {
    return this.#decode(Extension.authorityKeyIdentifier, readAuthorityKeyIdentifier);
  }

  #decode<T>(oid: string, read: (reader: DerReader) => T): T | undefined {
    const extension = this.extensions.find((e) => e.oid === oid);
    return extension === undefined ? undefined : decode(extension.value, "CRL extension", read);
  }
}

/** One DER revocation list that fills `der`. Throws PKI_DER_* or PKI_CRL_MALFORMED. */
export function parseCertificateList(der: Uint8Array): CertificateList {
  return CertificateList.parse(der);
}

/** A list of a million entries has 50 MB; eight values an entry. */
const CRL_LIMITS = { maxBytes: 64 * 1024 * 1024, maxNodes: 10_000_000 };

const reasonNames: ReadonlyMap<number, CRLReason> = new Map(
  (
    [
      "unspecified",
      "keyCompromise",
      "cACompromise",
      "affiliationChanged",
      "superseded",
      "cessationOfOperation",
      "certificateHold",
      "removeFromCRL",
      "privilegeWithdrawn",
      "aACompromise",
    ] as const
  ).map((name) => [CRLReason[name], name]),
);

/**
 * RFC 5280 §5.1
 *     TBSCertList ::= SEQUENCE {
 *       version                 Version OPTIONAL,  -- if present, MUST be v2
 *       signature               AlgorithmIdentifier,
 *       issuer                  Name,
 *       thisUpdate              Time,
 *       nextUpdate              Time OPTIONAL,
 *       revokedCertificates     SEQUENCE OF SEQUENCE {
 *         userCertificate         CertificateSerialNumber,
 *         revocationDate          Time,
 *         crlEntryExtensions      Extensions OPTIONAL } OPTIONAL,
 *       crlExtensions           [0] Extensions OPTIONAL }
 */
function readTbsCertList(fields: DerReader): TbsCertList {
  const versioned = fields.tag === Tag.INTEGER;
  if (versioned && fields.smallInteger("Version") !== 1)
    throw malformed("the version of a CRL is v2 or absent");
  const signature = readAlgorithmIdentifier(fields, "signature");
  const issuer = Name.read(fields);
  if (issuer.isEmpty) throw malformed("the issuer is an empty name");
  const thisUpdate = fields.time("thisUpdate");
  const hasNextUpdate = fields.tag === Tag.UTC_TIME || fields.tag === Tag.GENERALIZED_TIME;
  const nextUpdate = hasNextUpdate ? fields.time("nextUpdate") : undefined;
  const revoked = new Map<string, RevokedCertificate>();
  const criticalEntryExtensions = new Set<string>();
  if (fields.tag === Tag.SEQUENCE) readRevoked(fields, versioned, revoked, criticalEntryExtensions);
  let extensions: RawExtension[] = [];
  if (versioned && !fields.atEnd) {
    const wrapped = fields.enter(contextConstructed(0), "crlExtensions");
    extensions = readExtensions(wrapped, "PKI_CRL_MALFORMED");
    wrapped.end("crlExtensions");
  }
  const version = versioned ? 2 : 1;
  return { version, signature, issuer, thisUpdate, nextUpdate, revoked, criticalEntryExtensions, extensions };
}

function readRevoked(
  fields: DerReader,
  versioned: boolean,
  revoked: Map<string, RevokedCertificate>,
  criticalEntryExtensions: Set<string>,
): void {
  const entries = fields.sequence("revokedCertificates");
  // RFC 5280 §5.1.2.6: when there are no revoked certificates, the list MUST be absent.
  do {
    const entry = entries.sequence("revokedCertificate");
    const serialNumber = readSerialNumber(entry);
    const revocationDate = entry.time("revocationDate");
    let reason: CRLReason | undefined;
    if (versioned && !entry.atEnd) {
      for (const { oid, critical, value } of readExtensions(entry, "PKI_CRL_MALFORMED")) {
        if (oid === Extension.reasonCode) reason = decode(value, "CRLReason", readReason);
        else if (oid === Extension.invalidityDate) decode(value, "invalidityDate", readInvalidityDate);
        else if (critical) criticalEntryExtensions.add(oid);
      }
    }
    entry.end("revokedCertificate");
    if (revoked.has(serialNumber)) throw malformed(`serial number ${serialNumber} stands there twice`);
    revoked.set(
      serialNumber,
      reason === undefined ? { serialNumber, revocationDate } : { serialNumber, revocationDate, reason },
    );
  } while (!entries.atEnd);
}

function readReason(reader: DerReader): CRLReason {
  const value = reader.smallInteger("CRLReason", Tag.ENUMERATED);
  const reason = reasonNames.get(value);
  if (reason === undefined) throw malformed(`CRLReason ${value} is not defined`);
  return reason;
}

/** RFC 5280 §5.3.2: GeneralizedTime even before 2050, unlike every other time. */
function readInvalidityDate(reader: DerReader): void {
  const content = reader.read(Tag.GENERALIZED_TIME, "invalidityDate");
  const isUtcYear = content[0] === 0x31 || (content[0] === 0x32 && (content[2] ?? 0) < 0x35);
  decodeTime(isUtcYear ? content.subarray(2) : content, isUtcYear ? Tag.UTC_TIME : Tag.GENERALIZED_TIME);
}

function malformed(message: string): PkiError {
  return new PkiError("PKI_CRL_MALFORMED", message);
}
