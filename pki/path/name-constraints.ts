import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { GeneralName } from "../x509/general-name.ts";
import { Name } from "../x509/name.ts";
import { AttributeType } from "../x509/oids.ts";
import { describe, quote } from "./describe.ts";
import { isWithin } from "./directory-name.ts";
import { isDnsName, normaliseDnsName } from "./names.ts";
import type { WorkBudget } from "./work.ts";

/** How a name stands to a subtree. `unclear` is what no rule covers: it counts against the name both ways. */
type Relation = "inside" | "outside" | "overlaps" | "unclear";

/**
 * RFC 5280 §6.1.3 (b), (c) and §6.1.4 (g): permitted_subtrees and excluded_subtrees, as they build up from the
 * anchor down.
 */
export class NameConstraintState {
  /** One entry for each CA that constrains: a name must lie within some subtree of its type in every one. */
  readonly #permitted: Array<readonly GeneralName[]> = [];
  readonly #excluded: GeneralName[] = [];
  #subtrees = 0;
  #subtreeOctets = 0;
  readonly #budget: WorkBudget;

  constructor(budget: WorkBudget) {
    this.#budget = budget;
  }

  /** RFC 5280 §6.1.4 (g) */
  add(certificate: Certificate): void {
    const constraints = certificate.nameConstraints;
    if (constraints === undefined) return;
    if (constraints.permittedSubtrees.length > 0) this.#permitted.push(constraints.permittedSubtrees);
    this.#excluded.push(...constraints.excludedSubtrees);
    for (const subtree of [...constraints.permittedSubtrees, ...constraints.excludedSubtrees]) {
      this.#subtrees++;
      this.#subtreeOctets += sizeOf(subtree);
    }
  }

  /**
   * RFC 5280 §6.1.3 (b), (c): the subject name and every name of subjectAltName.
   * @throws PkiError PKI_PATH_NAME_CONSTRAINTS
   */
  check(certificate: Certificate): void {
    if (this.#subtrees === 0) return;
    for (const name of namesOf(certificate)) {
      const octets = this.#subtrees * sizeOf(name) + this.#subtreeOctets;
      this.#budget.spend("comparisons", this.#subtrees + Math.floor(octets / 256));
      for (const subtree of this.#excluded) {
        if (subtree.type !== name.type) continue;
        if (relate(name, subtree) !== "outside") throw violation(certificate, name, "excluded");
      }
      for (const subtrees of this.#permitted) {
        const ofType = subtrees.filter((subtree) => subtree.type === name.type);
        if (ofType.length === 0) continue;
        if (!ofType.some((subtree) => relate(name, subtree) === "inside")) {
          throw violation(certificate, name, "not permitted");
        }
      }
    }
  }
}

/** Every name that constraints apply to. */
function* namesOf(certificate: Certificate): Generator<GeneralName> {
  yield* certificate.subjectAltName ?? [];
  if (!certificate.subject.isEmpty) yield { type: "directoryName", value: certificate.subject };
  // RFC 5280 §4.2.1.10: the rfc822Name constraint applies to emailAddress attributes of the subject too. (The RFC
  // says so where there is no subjectAltName; with one it does no harm.)
  for (const value of certificate.subject.values(AttributeType.emailAddress))
    yield { type: "rfc822Name", value };
}

function sizeOf({ value }: GeneralName): number {
  return value instanceof Name ? value.der.length : value.length;
}

function relate(name: GeneralName, subtree: GeneralName): Relation {
  if (name.type === "dNSName" && subtree.type === "dNSName") return relateDns(name.value, subtree.value);
  if (name.type === "iPAddress" && subtree.type === "iPAddress") return relateIp(name.value, subtree.value);
  if (name.type === "rfc822Name" && subtree.type === "rfc822Name")
    return relateMail(name.value, subtree.value);
  if (name.type === "uniformResourceIdentifier" && subtree.type === "uniformResourceIdentifier") {
    return relateUri(name.value, subtree.value);
  }
  if (name.type === "directoryName" && subtree.type === "directoryName") {
    return isWithin(name.value, subtree.value) ? "inside" : "outside";
  }
  // RFC 5280 §4.2.1.10: process a constraint, or reject the certificate if a name of that type appears.
  return "unclear";
}

/**
 * RFC 5280 §4.2.1.10: any name made by adding zero or more labels on the left is within. A wildcard stands for
 * all the names that it matches, so it overlaps a subtree one label below it.
 */
function relateDns(value: string, base: string): Relation {
  const isWildcard = value.startsWith("*.");
  const name = normaliseDnsName(isWildcard ? value.slice(2) : value);
  const suffix = normaliseDnsName(base);
  if (suffix === "") return isDnsName(name) ? "inside" : "unclear";
  // A leading dot is not in the RFC; where it stands it means one label or more.
  const host = suffix.startsWith(".") ? suffix.slice(1) : suffix;
  if (!isDnsName(name) || !isDnsName(host)) return "unclear";
  if (name.endsWith(`.${host}`)) return "inside";
  if (name === host) return suffix === host || isWildcard ? "inside" : "overlaps";
  return isWildcard && host.endsWith(`.${name}`) && !host.slice(0, -name.length - 1).includes(".")
    ? "overlaps"
    : "outside";
}

/** RFC 5280 §4.2.1.10: address and mask in the style of RFC 4632, 8 octets for IPv4, 32 for IPv6. */
function relateIp(address: Uint8Array, base: Uint8Array): Relation {
  const half = base.length / 2;
  const mask = base.subarray(half);
  if (!isContiguous(mask)) return "unclear";
  if (half !== address.length) return "outside";
  const isInside = address.every((octet, i) => ((octet ^ (base[i] ?? 0)) & (mask[i] ?? 0)) === 0);
  return isInside ? "inside" : "outside";
}

function isContiguous(mask: Uint8Array): boolean {
  const bits = Array.from(mask, (octet) => octet.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits);
}

/** RFC 5280 §4.2.1.10: a mailbox, all mailboxes of a host, or (with a leading dot) of the hosts in a domain. */
function relateMail(mailbox: string, base: string): Relation {
  const at = mailbox.lastIndexOf("@");
  const host = normaliseDnsName(mailbox.slice(at + 1));
  // A quoted local part may hold an "@" that another reader takes for the separator.
  if (at < 1 || !isDnsName(host) || !/^[^\s"@<>(),:;\\[\]]+$/.test(mailbox.slice(0, at))) return "unclear";
  const baseAt = base.lastIndexOf("@");
  if (baseAt < 0) return relateHost(host, normaliseDnsName(base));
  // RFC 5280 §7.5: the local part is compared case-sensitively; for an exclusion the host decides alone.
  const sameHost = host === normaliseDnsName(base.slice(baseAt + 1));
  if (!sameHost) return "outside";
  const local = mailbox.slice(0, at);
  const baseLocal = base.slice(0, baseAt);
  if (local === baseLocal) return "inside";
  return local.toLowerCase() === baseLocal.toLowerCase() ? "overlaps" : "outside";
}

/** RFC 5280 §4.2.1.10: the constraint applies to the host part, which must be there and be a domain name. */
function relateUri(uri: string, base: string): Relation {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:]+)(?::[0-9]*)?(?:[/?#]|$)/.exec(uri)?.[1];
  if (host === undefined) return "unclear";
  const name = normaliseDnsName(host);
  return isDnsName(name) ? relateHost(name, normaliseDnsName(base)) : "unclear";
}

/** A host, or with a leading dot any host one or more labels below. */
function relateHost(host: string, base: string): Relation {
  if (base === "") return "inside";
  const isDomain = base.startsWith(".");
  if (!isDnsName(isDomain ? base.slice(1) : base)) return "unclear";
  return (isDomain ? host.endsWith(base) : host === base) ? "inside" : "outside";
}

function violation(certificate: Certificate, name: GeneralName, how: "excluded" | "not permitted"): PkiError {
  return new PkiError(
    "PKI_PATH_NAME_CONSTRAINTS",
    `certificate of ${describe(certificate)}: the ${name.type} ${print(name)} is ${how} by the ` +
      "name constraints of an issuer",
  );
}

function print(name: GeneralName): string {
  if (name.value instanceof Uint8Array) return Buffer.from(name.value).subarray(0, 32).toString("hex");
  return quote(name.value instanceof Name ? name.value.toString() : name.value);
}
