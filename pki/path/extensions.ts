import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { Extension } from "../x509/oids.ts";
import { describe } from "./describe.ts";
import { sameName } from "./directory-name.ts";

/**
 * What this validator processes, so that it may be critical. policyMappings is not among them: it is tolerated
 * where it is not critical. Of cRLDistributionPoints the part that says which CRL is meant is processed.
 */
const processed: ReadonlySet<string> = new Set([
  Extension.keyUsage,
  Extension.subjectAltName,
  Extension.basicConstraints,
  Extension.nameConstraints,
  Extension.cRLDistributionPoints,
  Extension.certificatePolicies,
  Extension.policyConstraints,
  Extension.extendedKeyUsage,
  Extension.inhibitAnyPolicy,
]);

/** RFC 5280 §4.2: a critical extension that is not recognized or not processed refuses the certificate. */
export function checkCriticalExtensions(certificate: Certificate): void {
  for (const { oid, critical } of certificate.extensions) {
    if (!critical || processed.has(oid)) continue;
    throw new PkiError(
      "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION",
      `certificate of ${describe(certificate)} has the critical extension ${oid}, which is not understood here`,
    );
  }
}

export function extensionValue(certificate: Certificate, oid: string): Uint8Array | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid)?.value;
}

/** RFC 5280 §6.1: "self-issued" is the same DN as subject and issuer, whatever the key. */
export function isSelfIssued(certificate: Certificate): boolean {
  return sameName(certificate.subject, certificate.issuer);
}
