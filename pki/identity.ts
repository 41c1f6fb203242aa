import { PkiError } from "./errors.ts";
import type { Certificate } from "./x509/certificate.ts";

export type IdentityKind = "device" | "operator";

/** Who a certificate is for, as its one subjectAltName says. */
export interface Identity {
  readonly kind: IdentityKind;
  readonly trustDomain: string;
  readonly id: string;
}

/** The trust domain of a PKI that was given no other. */
export const DEFAULT_TRUST_DOMAIN = "sallyport.internal";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** SPIFFE ID §2.1: lower-case letters, digits, dots, dashes and underscores. */
const TRUST_DOMAIN = /^[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9])?$/;
const URI = /^spiffe:\/\/([^/]{1,255})\/(device|operator)\/([^/]{1,64})$/;

/** What every object inherits: an id of that name would find something in any table that is a plain object. */
const inherited: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  "prototype",
]);

/**
 * Whether a device or operator may have this id: letters, digits, `.`, `_` and `-`, starting with a letter or digit,
 * at most 64. So it holds no `/ + #` or NUL, and no two ids look alike but for upper and lower case.
 */
export function isValidIdentityName(id: string): boolean {
  return NAME.test(id) && !inherited.has(id);
}

export function isValidTrustDomain(trustDomain: string): boolean {
  return TRUST_DOMAIN.test(trustDomain);
}

/** `spiffe://<trust domain>/device/<id>`. Throws PKI_IDENTITY_NAME. */
export function identityUri(kind: IdentityKind, trustDomain: string, id: string): string {
  if (!isValidIdentityName(id)) {
    throw new PkiError(
      "PKI_IDENTITY_NAME",
      `not a valid id: ${JSON.stringify(id.slice(0, 80))}; use letters, digits, "." "_" "-", at most 64`,
    );
  }
  if (!isValidTrustDomain(trustDomain)) {
    throw new PkiError(
      "PKI_IDENTITY_NAME",
      `not a valid trust domain: ${JSON.stringify(trustDomain.slice(0, 80))}`,
    );
  }
  return `spiffe://${trustDomain}/${kind}/${id}`;
}

/**
 * The identity that a device or operator certificate carries: exactly one subjectAltName, a URI of the one form that
 * `identityUri` writes. No other field is looked at, and nothing is decoded, folded or trimmed, so two identities are
 * the same exactly when their bytes are. The certificate must have been validated by then.
 * Throws PKI_IDENTITY_MISSING, PKI_IDENTITY_AMBIGUOUS, PKI_IDENTITY_MALFORMED.
 */
export function readIdentity(leaf: Certificate): Identity {
  const names = leaf.subjectAltName ?? [];
  const [name] = names;
  if (name === undefined) {
    throw new PkiError(
      "PKI_IDENTITY_MISSING",
      "the certificate has no subjectAltName, so it names no device",
    );
  }
  if (names.length > 1) {
    throw new PkiError(
      "PKI_IDENTITY_AMBIGUOUS",
      `the certificate has ${names.length} names where one is allowed`,
    );
  }
  if (name.type !== "uniformResourceIdentifier") {
    throw new PkiError("PKI_IDENTITY_MISSING", `the certificate has a ${name.type} and no identity URI`);
  }
  const [, trustDomain = "", kind, id = ""] = URI.exec(name.value) ?? [];
  if (
    (kind !== "device" && kind !== "operator") ||
    !isValidTrustDomain(trustDomain) ||
    !isValidIdentityName(id)
  ) {
    throw new PkiError(
      "PKI_IDENTITY_MALFORMED",
      `the certificate's name is not an identity URI: ${JSON.stringify(name.value.slice(0, 120))}`,
    );
  }
  return { kind, trustDomain, id };
}
