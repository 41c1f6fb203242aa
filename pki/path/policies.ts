import { decode } from "../der/reader.ts";
import { contextPrimitive } from "../der/tag.ts";
import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import { Extension } from "../x509/oids.ts";
import { describe } from "./describe.ts";
import { extensionValue, isSelfIssued } from "./extensions.ts";

const ANY_POLICY = "2.5.29.32.0";

/**
 * RFC 5280 §6.1 certificate policies, as much as a gateway without policies of its own needs: the
 * initial-policy-set is anyPolicy and nothing is inhibited at the start, so the policies only matter once a CA
 * asks for them (requireExplicitPolicy). Policy mappings are not processed: with them a path that must have a
 * policy is refused.
 */
export class PolicyState {
  #valid: ReadonlySet<string> = new Set([ANY_POLICY]);
  #explicitPolicy = Number.POSITIVE_INFINITY;
  #inhibitAnyPolicy = Number.POSITIVE_INFINITY;
  #isMapped = false;

  /** RFC 5280 §6.1.3 (d)-(f) for the next certificate, from the anchor down. */
  process(certificate: Certificate, isLeaf: boolean): void {
    const anyAllowed = this.#inhibitAnyPolicy > 0 || (!isLeaf && isSelfIssued(certificate));
    this.#valid = intersect(this.#valid, readPolicies(certificate), anyAllowed);
    this.#checkExplicit(certificate);
  }

  /** RFC 5280 §6.1.4 (a), (h)-(j): after a CA certificate. */
  prepareForNext(certificate: Certificate): void {
    if (extensionValue(certificate, Extension.policyMappings) !== undefined) this.#isMapped = true;
    if (!isSelfIssued(certificate)) {
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
      this.#inhibitAnyPolicy = Math.max(0, this.#inhibitAnyPolicy - 1);
    }
    const required = readRequireExplicitPolicy(certificate);
    if (required !== undefined) this.#explicitPolicy = Math.min(this.#explicitPolicy, required);
    const inhibit = extensionValue(certificate, Extension.inhibitAnyPolicy);
    if (inhibit !== undefined) {
      const skip = decode(inhibit, "inhibitAnyPolicy", (reader) => reader.smallInteger("inhibitAnyPolicy"));
      this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, skip);
    }
  }

  /** RFC 5280 §6.1.5 (a), (b), (g): after the last certificate. */
  wrapUp(leaf: Certificate): void {
    this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
    if (readRequireExplicitPolicy(leaf) === 0) this.#explicitPolicy = 0;
    this.#checkExplicit(leaf);
  }

  #checkExplicit(certificate: Certificate): void {
    if (this.#explicitPolicy > 0 || (this.#valid.size > 0 && !this.#isMapped)) return;
    throw new PkiError(
      "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION",
      `certificate of ${describe(certificate)}: an issuer requires an explicit certificate policy, and no policy ` +
        "that is valid for the whole path remains",
    );
  }
}

/** RFC 5280 §6.1.3 (d), (e): the policies valid up to here with those that this certificate states. */
function intersect(
  valid: ReadonlySet<string>,
  stated: ReadonlySet<string>,
  anyAllowed: boolean,
): ReadonlySet<string> {
  if (stated.has(ANY_POLICY) && anyAllowed) {
    return valid.has(ANY_POLICY) ? valid.union(stated) : valid;
  }
  const named = stated.difference(new Set([ANY_POLICY]));
  return valid.has(ANY_POLICY) ? named : valid.intersection(named);
}

/** `CertificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation`; absent is the empty set. */
function readPolicies(certificate: Certificate): ReadonlySet<string> {
  const value = extensionValue(certificate, Extension.certificatePolicies);
  const policies = new Set<string>();
  if (value === undefined) return policies;
  decode(value, "certificatePolicies", (reader) => {
    const list = reader.sequence("certificatePolicies");
    while (!list.atEnd) {
      const information = list.sequence("PolicyInformation");
      policies.add(information.objectIdentifier("policyIdentifier"));
      // Qualifiers are texts for people; they decide nothing.
      if (!information.atEnd) information.any("policyQualifiers");
      information.end("PolicyInformation");
    }
  });
  return policies;
}

/**
 *     PolicyConstraints ::= SEQUENCE {
 *          requireExplicitPolicy           [0] SkipCerts OPTIONAL,
 *          inhibitPolicyMapping            [1] SkipCerts OPTIONAL }
 */
function readRequireExplicitPolicy(certificate: Certificate): number | undefined {
  const value = extensionValue(certificate, Extension.policyConstraints);
  if (value === undefined) return undefined;
  return decode(value, "policyConstraints", (reader) => {
    const fields = reader.sequence("policyConstraints");
    let required: number | undefined;
    if (fields.tag === contextPrimitive(0)) {
      required = fields.smallInteger("requireExplicitPolicy", contextPrimitive(0));
    }
    // Mappings are refused where a policy is required, so that they are inhibited says nothing new.
    if (fields.tag === contextPrimitive(1)) fields.smallInteger("inhibitPolicyMapping", contextPrimitive(1));
    fields.end("policyConstraints");
    return required;
  });
}
