import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { CertificateList } from "../x509/certificate-list.ts";
import { Extension } from "../x509/oids.ts";
import { isSignatureOf } from "./algorithms.ts";
import { endOf } from "./certificate-checks.ts";
import { coverage } from "./crl-scope.ts";
import { describe, quote } from "./describe.ts";
import { sameName } from "./directory-name.ts";
import type { WorkBudget } from "./work.ts";

export type RevocationMode = "ignore" | "when-available" | "require";

interface RevocationOptions {
  readonly crls?: readonly CertificateList[];
  readonly revocation?: RevocationMode;
  readonly now: Date;
}

/**
 * RFC 5280 §6.3 for every certificate of a path below its anchor, from the anchor down: complete CRLs that the
 * certificate's issuer signed itself, with the key that signed the certificate. Indirect and delta CRLs are not
 * used. Returns when each CRL that cleared a certificate runs out.
 * @throws PkiError PKI_PATH_REVOKED, PKI_PATH_CRL_EXPIRED or PKI_PATH_CRL_MISSING
 */
export function checkRevocation(
  path: readonly Certificate[],
  options: RevocationOptions,
  budget: WorkBudget,
): Date[] {
  const ends: Date[] = [];
  if (options.revocation === "ignore") return ends;
  let issuer: Certificate | undefined;
  for (const certificate of path.toReversed()) {
    const end = issuer && checkCertificate(certificate, issuer, options, budget);
    if (end !== undefined) ends.push(end);
    issuer = certificate;
  }
  return ends;
}

function checkCertificate(
  certificate: Certificate,
  issuer: Certificate,
  { crls = [], revocation, now }: RevocationOptions,
  budget: WorkBudget,
): Date | undefined {
  let clearedUntil: Date | undefined;
  let refusal: PkiError | undefined;
  for (const crl of crls) {
    if (!sameName(crl.issuer, certificate.issuer)) continue;
    const scope = coverage(crl, certificate);
    if (scope === "none") continue;
    const problem = problemOf(crl, issuer, budget);
    if (problem !== undefined) {
      refusal ??= new PkiError("PKI_PATH_CRL_MISSING", `${of(crl)} cannot be used: ${problem}`);
      continue;
    }
    // RFC 5280 §6.3.3 (i), (j). What a CRL says of a revocation holds past nextUpdate, so dates come after this.
    checkNotListed(crl, certificate);
    const stale = staleness(crl, now);
    if (stale !== undefined) refusal = stale;
    else if (scope === "some-reasons") refusal ??= onlySomeReasons(crl);
    else clearedUntil = crl.nextUpdate === undefined ? undefined : endOf(crl.nextUpdate);
  }
  if (clearedUntil !== undefined) return clearedUntil;
  // A CRL of this issuer that cannot be used is never taken for "nothing was revoked", whatever the mode.
  if (refusal !== undefined) throw refusal;
  if (revocation !== "require") return undefined;
  throw new PkiError(
    "PKI_PATH_CRL_MISSING",
    `no revocation list of ${quote(certificate.issuer.toString())} covers the certificate of ${describe(certificate)}, ` +
      "and one is required; give the issuer's CRL",
  );
}

/** Why a CRL may not be relied on, its dates apart. */
function problemOf(crl: CertificateList, issuer: Certificate, budget: WorkBudget): string | undefined {
  for (const { oid, critical } of crl.extensions) {
    // RFC 5280 §5.2.4: a delta CRL says nothing without its base.
    if (oid === Extension.deltaCRLIndicator) return "it is a delta CRL, and only complete ones are used";
    // RFC 5280 §5.2: a CRL with an unrecognized critical extension MUST NOT be used to determine a status.
    if (critical && !processed.has(oid)) return `its critical extension ${oid} is not understood here`;
  }
  // RFC 5280 §5.3: the same holds for the extensions of its entries.
  const [entryExtension] = crl.criticalEntryExtensions;
  if (entryExtension !== undefined)
    return `the critical extension ${entryExtension} of an entry is not understood here`;
  // RFC 5280 §6.3.3 (f): where the issuer has keyUsage, it must have cRLSign.
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has("cRLSign"))
    return "its issuer's keyUsage lacks cRLSign";
  return isSignedBy(crl, issuer, budget) ? undefined : "its signature is not the issuer's, or is too weak";
}

const processed: ReadonlySet<string> = new Set([
  Extension.issuingDistributionPoint,
  Extension.cRLNumber,
  Extension.authorityKeyIdentifier,
]);

/**
 * RFC 5280 §6.3.3 (g). A CRL is immutable and may have megabytes, so the answer for one issuer key is kept as
 * long as the CRL object is.
 */
function isSignedBy(crl: CertificateList, issuer: Certificate, budget: WorkBudget): boolean {
  const key = Buffer.from(issuer.subjectPublicKeyInfo).toString("latin1");
  let known = signedBy.get(crl);
  if (known === undefined) signedBy.set(crl, (known = new Map()));
  let answer = known.get(key);
  if (answer === undefined) {
    budget.spend("signatures");
    answer = isSignatureOf(issuer.publicKey, crl);
    // Peers choose which keys come by here (cross-certificates), so the memory is bounded.
    if (known.size < 8) known.set(key, answer);
  }
  return answer;
}

const signedBy = new WeakMap<CertificateList, Map<string, boolean>>();

function checkNotListed(crl: CertificateList, certificate: Certificate): void {
  const entry = crl.revoked.get(certificate.serialNumber);
  if (entry === undefined) return;
  throw new PkiError(
    "PKI_PATH_REVOKED",
    `certificate of ${describe(certificate)} (serial number ${certificate.serialNumber}) was revoked ` +
      `at ${entry.revocationDate.toISOString()}`,
  );
}

/** RFC 5280 §5.1.2.4, §5.1.2.5: in force from thisUpdate to nextUpdate, which conforming CAs MUST include. */
function staleness(crl: CertificateList, now: Date): PkiError | undefined {
  if (!(crl.thisUpdate <= now)) {
    return new PkiError(
      "PKI_PATH_CRL_MISSING",
      `${of(crl)} is only in force from ${crl.thisUpdate.toISOString()}`,
    );
  }
  if (crl.nextUpdate === undefined) {
    return new PkiError(
      "PKI_PATH_CRL_MISSING",
      `${of(crl)} cannot be used: it does not say when the next one comes`,
    );
  }
  if (now <= endOf(crl.nextUpdate)) return undefined;
  return new PkiError(
    "PKI_PATH_CRL_EXPIRED",
    `${of(crl)} was to be replaced by ${crl.nextUpdate.toISOString()}; give the current one`,
  );
}

function onlySomeReasons(crl: CertificateList): PkiError {
  return new PkiError(
    "PKI_PATH_CRL_MISSING",
    `${of(crl)} covers only some reasons of revocation; give a complete one`,
  );
}

function of(crl: CertificateList): string {
  return `revocation list of ${quote(crl.issuer.toString())}`;
}
