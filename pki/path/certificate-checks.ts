import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { ExtendedKeyUsage } from "../x509/oids.ts";
import { checkPublicKey } from "./algorithms.ts";
import { describe } from "./describe.ts";
import { checkCriticalExtensions, isSelfIssued } from "./extensions.ts";

/** What the end-entity certificate is to be used for. */
export type PathPurpose = "clientAuth" | "serverAuth" | "ocspSigning";

/**
 * The rules for the last certificate of a path that do not depend on the path.
 * @throws PkiError PKI_PATH_*
 */
export function checkEndEntity(leaf: Certificate, purpose: PathPurpose, now: Date): void {
  checkValidity(leaf, now);
  checkCriticalExtensions(leaf);
  checkPublicKey(leaf.subjectPublicKeyInfo, `certificate of ${describe(leaf)}`);
  // A leaf that may sign certificates is a CA that somebody uses as a leaf: refused by profile.
  if (leaf.basicConstraints?.ca === true || leaf.keyUsage?.has("keyCertSign") === true) {
    throw new PkiError(
      "PKI_PATH_LEAF_IS_CA",
      `certificate of ${describe(leaf)} is a CA certificate; use an end-entity certificate that it issued`,
    );
  }
  // RFC 5280 §4.2.1.3: the keys of TLS peers and OCSP responders sign, they never encipher keys here.
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.has("digitalSignature")) {
    throw new PkiError(
      "PKI_PATH_KEY_USAGE",
      `certificate of ${describe(leaf)}: its keyUsage does not have digitalSignature`,
    );
  }
  checkEndEntityPurpose(leaf, purpose);
}

/**
 * The rules of RFC 5280 §6.1.4 for a certificate that issued the next one, path length and names apart. (Its key was
 * found strong enough before a signature was checked with it.)
 * @param isAnchor an anchor is a name and a key that the user trusts; where its certificate says what it is for,
 *   that holds too (RFC 5937), and where it says nothing it is trusted as a CA
 * @throws PkiError PKI_PATH_*
 */
export function checkIssuer(issuer: Certificate, purpose: PathPurpose, now: Date, isAnchor: boolean): void {
  checkValidity(issuer, now);
  checkCriticalExtensions(issuer);
  // RFC 5280 §6.1.4 (k): version 3 with basicConstraints and cA (earlier versions have no extensions, and other means
  // of knowing a CA are not used).
  const saysNothing = isAnchor && issuer.version === 1;
  if (!saysNothing && issuer.basicConstraints?.ca !== true) {
    throw new PkiError(
      "PKI_PATH_NOT_A_CA",
      `certificate of ${describe(issuer)} issued another one and is no CA certificate (version ${issuer.version}, ` +
        "no basicConstraints with cA)",
    );
  }
  // RFC 5280 §6.1.4 (n); §4.2.1.3: conforming CAs MUST include keyUsage, so an intermediate without it is refused.
  if (issuer.keyUsage === undefined ? !isAnchor : !issuer.keyUsage.has("keyCertSign")) {
    throw new PkiError(
      "PKI_PATH_KEY_USAGE",
      `certificate of ${describe(issuer)} issued another one and its keyUsage does not have keyCertSign`,
    );
  }
  // Not in RFC 5280, done by every TLS library: a CA's extendedKeyUsage bounds what it may issue for.
  if (issuer.extendedKeyUsage !== undefined && !issuer.extendedKeyUsage.includes(ExtendedKeyUsage[purpose])) {
    throw new PkiError(
      "PKI_PATH_EXTENDED_KEY_USAGE",
      `certificate of ${describe(issuer)} is a CA, and its extendedKeyUsage does not have ${purpose}`,
    );
  }
}

/** RFC 5280 §6.1.4 (l), (m): how many more intermediates may follow. */
export class PathLengthState {
  #max = Number.POSITIVE_INFINITY;

  process(issuer: Certificate): void {
    // RFC 5280 §6.1.4 (l): self-issued certificates do not count. The anchor comes first and has nothing to use up.
    if (!isSelfIssued(issuer)) {
      if (this.#max === 0) {
        throw new PkiError(
          "PKI_PATH_LENGTH",
          `certificate of ${describe(issuer)} is one CA more than the pathLenConstraint above it allows`,
        );
      }
      this.#max -= 1;
    }
    this.#max = Math.min(this.#max, issuer.basicConstraints?.pathLenConstraint ?? Number.POSITIVE_INFINITY);
  }
}

/** RFC 5280 §6.1.3 (a) (2); §4.1.2.5: from notBefore through notAfter, inclusive. */
function checkValidity(certificate: Certificate, now: Date): void {
  if (!(now >= certificate.notBefore)) {
    throw new PkiError(
      "PKI_PATH_NOT_YET_VALID",
      `certificate of ${describe(certificate)} is not valid before ${certificate.notBefore.toISOString()} ` +
        `(now ${now.toISOString()}; check the clock)`,
    );
  }
  if (!(now <= endOf(certificate.notAfter))) {
    throw new PkiError(
      "PKI_PATH_EXPIRED",
      `certificate of ${describe(certificate)} expired at ${certificate.notAfter.toISOString()} ` +
        `(now ${now.toISOString()}); renew it`,
    );
  }
}

/** A certificate time is a whole second, and that second is still within. */
export function endOf(time: Date): Date {
  return new Date(time.getTime() + 999);
}

/**
 * RFC 5280 §4.2.1.12 leaves extendedKeyUsage optional and lets anyExtendedKeyUsage stand for all. Here a
 * certificate must say what it is for, and say so exactly: a device is no server.
 */
function checkEndEntityPurpose(leaf: Certificate, purpose: PathPurpose): void {
  const purposes = leaf.extendedKeyUsage;
  const isExact =
    purposes?.includes(ExtendedKeyUsage[purpose]) === true &&
    !purposes.includes(ExtendedKeyUsage.anyExtendedKeyUsage);
  if (isExact) return;
  const has = purposes === undefined ? "it has none" : `it has ${purposes.slice(0, 8).join(", ")}`;
  throw new PkiError(
    "PKI_PATH_EXTENDED_KEY_USAGE",
    `certificate of ${describe(leaf)} is not for ${purpose} (${ExtendedKeyUsage[purpose]}): extendedKeyUsage must ` +
      `name it and must not name anyExtendedKeyUsage, and ${has}`,
  );
}
