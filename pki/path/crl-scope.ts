import { type DerReader, decode } from "../der/reader.ts";
import { contextConstructed, contextPrimitive } from "../der/tag.ts";
import { encode, encoded, explicit } from "../der/writer.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { CertificateList } from "../x509/certificate-list.ts";
import { Extension } from "../x509/oids.ts";
import { extensionValue } from "./extensions.ts";

/** How far a CRL speaks for a certificate of its issuer. */
export type Coverage = "none" | "some-reasons" | "all";

/**
 * RFC 5280 §5.2.5
 *     IssuingDistributionPoint ::= SEQUENCE {
 *       distributionPoint          [0] DistributionPointName OPTIONAL,
 *       onlyContainsUserCerts      [1] BOOLEAN DEFAULT FALSE,
 *       onlyContainsCACerts        [2] BOOLEAN DEFAULT FALSE,
 *       onlySomeReasons            [3] ReasonFlags OPTIONAL,
 *       indirectCRL                [4] BOOLEAN DEFAULT FALSE,
 *       onlyContainsAttributeCerts [5] BOOLEAN DEFAULT FALSE }
 */
interface IssuingDistributionPoint {
  readonly hasName: boolean;
  /** The GeneralNames of fullName as DER in hex; empty for nameRelativeToCRLIssuer, which is not supported. */
  readonly names: ReadonlySet<string>;
  readonly flags: ReadonlySet<number>;
}

/**
 * RFC 5280 §6.3.3 (b) (2): whether the CRL's scope takes in the certificate. An indirect CRL is refused: its
 * entries may speak of other issuers' certificates.
 * @throws PkiError PKI_DER_* for an extension that is no IssuingDistributionPoint
 */
export function coverage(crl: CertificateList, certificate: Certificate): Coverage {
  const value = crl.extensions.find(({ oid }) => oid === Extension.issuingDistributionPoint)?.value;
  if (value === undefined) return "all";
  const { hasName, names, flags } = decode(value, "IssuingDistributionPoint", readIssuingDistributionPoint);
  const isCa = certificate.basicConstraints?.ca === true;
  if (flags.has(4) || flags.has(5) || (flags.has(1) && isCa) || (flags.has(2) && !isCa)) return "none";
  if (hasName && names.isDisjointFrom(distributionPointNames(certificate))) return "none";
  return flags.has(3) ? "some-reasons" : "all";
}

function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  const fields = reader.sequence("IssuingDistributionPoint");
  const flags = new Set<number>();
  const hasName = fields.tag === contextConstructed(0);
  const names = hasName ? readDistributionPointName(fields) : new Set<string>();
  for (const n of [1, 2, 3, 4, 5]) {
    if (fields.tag !== contextPrimitive(n)) continue;
    fields.read(contextPrimitive(n), "IssuingDistributionPoint");
    // DER leaves DEFAULT FALSE out, so a flag that stands there is set; a set flag only narrows the scope.
    flags.add(n);
  }
  fields.end("IssuingDistributionPoint");
  return { hasName, names, flags };
}

/**
 *     DistributionPointName ::= CHOICE {
 *       fullName                 [0] GeneralNames,
 *       nameRelativeToCRLIssuer  [1] RelativeDistinguishedName }
 */
function readDistributionPointName(fields: DerReader): Set<string> {
  const choice = fields.enter(contextConstructed(0), "distributionPoint");
  const names = new Set<string>();
  if (choice.tag === contextConstructed(0)) {
    const fullName = choice.enter(contextConstructed(0), "fullName");
    while (!fullName.atEnd) names.add(hex(fullName.any("GeneralName")));
  } else {
    choice.any("nameRelativeToCRLIssuer");
  }
  choice.end("distributionPoint");
  return names;
}

/**
 * RFC 5280 §4.2.1.13: the names of the certificate's own distribution points, those of other CRL issuers left
 * out; §6.3.3: without any, the issuer's name stands for one.
 */
function distributionPointNames(certificate: Certificate): Set<string> {
  const value = extensionValue(certificate, Extension.cRLDistributionPoints);
  if (value === undefined) return new Set([hex(encode(explicit(4, encoded(certificate.issuer.der))))]);
  return decode(value, "CRLDistributionPoints", (reader) => {
    const points = reader.sequence("CRLDistributionPoints");
    let names = new Set<string>();
    while (!points.atEnd) {
      const point = points.sequence("DistributionPoint");
      const own = point.tag === contextConstructed(0) ? readDistributionPointName(point) : new Set<string>();
      if (point.tag === contextPrimitive(1)) point.read(contextPrimitive(1), "reasons");
      const isIndirect = point.tag === contextConstructed(2);
      if (isIndirect) point.enter(contextConstructed(2), "cRLIssuer");
      point.end("DistributionPoint");
      if (!isIndirect) names = names.union(own);
    }
    return names;
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
