import { PkiError } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { CertificateList } from "../x509/certificate-list.ts";
import {
  checkEndEntity,
  checkIssuer,
  endOf,
  PathLengthState,
  type PathPurpose,
} from "./certificate-checks.ts";
import { isSelfIssued } from "./extensions.ts";
import { NameConstraintState } from "./name-constraints.ts";
import { attempt, lastOf, type Path, PathSearch } from "./path-search.ts";
import { PolicyState } from "./policies.ts";
import { checkRevocation, type RevocationMode } from "./revocation.ts";
import { checkServerName } from "./server-name.ts";
import { type PathLimits, WorkBudget } from "./work.ts";

export interface PathOptions {
  /** The leaf first, then what else the peer sent, in any order (RFC 9846 §4.4.2). */
  readonly chain: readonly Certificate[];
  /** Who is trusted, as a name and a key. What an anchor's certificate says of dates and uses holds as well. */
  readonly anchors: readonly Certificate[];
  /** CA certificates known locally; tried before the peer's. */
  readonly intermediates?: readonly Certificate[];
  /** The leaf must name this purpose in extendedKeyUsage. */
  readonly purpose: PathPurpose;
  /** The time to validate for. */
  readonly now: Date;
  readonly crls?: readonly CertificateList[];
  /**
   * `when-available` (default): where a CRL of a certificate's issuer is given, a current and valid one must clear
   * the certificate; where none is given, revocation is not checked. `require`: every certificate below the anchor
   * needs one. `ignore`: CRLs are not looked at.
   */
  readonly revocation?: RevocationMode;
  /** A DNS name in A-labels or an IP literal that the leaf's subjectAltName must match (RFC 9525). */
  readonly serverName?: string;
  readonly limits?: Partial<PathLimits>;
}

// Only this module can name it, so only validatePath makes a ValidatedPath, also in plain JavaScript.
const proof = Symbol("validated path");

/**
 * Proof that a chain was validated: no code but `validatePath` can make one, and reading any property of a
 * look-alike throws TypeError. Immutable; worth keeping (a cache may hold it until `validUntil`).
 */
export class ValidatedPath {
  readonly #path: Path;
  readonly #purpose: PathPurpose;
  readonly #validUntil: Date;

  private constructor(key: symbol, path: Path, purpose: PathPurpose, validUntil: Date) {
    if (key !== proof) throw new TypeError("a ValidatedPath comes from validatePath alone");
    const copy: Path = [...path];
    Object.freeze(copy);
    this.#path = copy;
    this.#purpose = purpose;
    this.#validUntil = validUntil;
    Object.freeze(this);
  }

  /** See `validatePath`, which is the same function. */
  static validate(options: PathOptions): ValidatedPath {
    try {
      const { path, validUntil } = search(options);
      return new ValidatedPath(proof, path, options.purpose, validUntil);
    } catch (error) {
      if (!(error instanceof PkiError) || error.code.startsWith("PKI_PATH_")) throw error;
      // An extension that is only read here (policies, distribution points) or a key turned out to be no DER.
      throw new PkiError("PKI_PATH_MALFORMED", `the path cannot be validated: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** Whether a value is a proof, for code that gets it from outside TypeScript. */
  static is(value: unknown): value is ValidatedPath {
    return typeof value === "object" && value !== null && #path in value;
  }

  get leaf(): Certificate {
    return this.#path[0];
  }

  /** Leaf first, trust anchor last. */
  get path(): readonly Certificate[] {
    return this.#path;
  }

  get anchor(): Certificate {
    return lastOf(this.#path);
  }

  get purpose(): PathPurpose {
    return this.#purpose;
  }

  /** When the first certificate of the path, or CRL that cleared it, runs out. */
  get validUntil(): Date {
    return new Date(this.#validUntil);
  }
}

/**
 * RFC 5280 §6: finds a path from the leaf to a trust anchor and validates it. Pure: no clock, no network, no
 * cache. The work is bounded (`limits`).
 * @throws PkiError PKI_PATH_*: of all that went wrong the failure that was nearest to success, so an expired
 *   certificate of a known CA says PKI_PATH_EXPIRED and not that the issuer is unknown
 */
export function validatePath(options: PathOptions): ValidatedPath {
  return ValidatedPath.validate(options);
}

function search(options: PathOptions): { path: Path; validUntil: Date } {
  const { chain, anchors, intermediates = [], now } = options;
  const [leaf, ...sent] = chain;
  if (leaf === undefined)
    throw new PkiError("PKI_PATH_MALFORMED", "the chain is empty; it must start with the leaf");
  if (Number.isNaN(now.getTime())) throw new RangeError("now must be a valid date");
  const budget = new WorkBudget(options.limits);
  if (chain.length > budget.limits.peerCertificates) {
    throw new PkiError(
      "PKI_PATH_WORK_LIMIT",
      `the chain has ${chain.length} certificates, at most ${budget.limits.peerCertificates} are accepted`,
    );
  }
  let validUntil = now;
  const path = new PathSearch({
    leaf,
    anchors,
    others: [...intermediates, ...sent],
    now,
    budget,
    leafRefusal: attempt(() => checkLeaf(leaf, options)),
    accept: (candidate) => {
      validUntil = checkPath(candidate, options, budget);
    },
  }).find();
  return { path, validUntil };
}

function checkLeaf(leaf: Certificate, { purpose, now, serverName }: PathOptions): void {
  checkEndEntity(leaf, purpose, now);
  if (serverName !== undefined) checkServerName(leaf, serverName);
}

/** RFC 5280 §6.1.2 to §6.1.5, without what checkLeaf does, for one path whose signatures are right. Returns the time until which it holds. */
function checkPath(path: Path, options: PathOptions, budget: WorkBudget): Date {
  const { purpose, now } = options;
  const leaf = path[0];
  const pathLength = new PathLengthState();
  const names = new NameConstraintState(budget);
  const policies = new PolicyState();
  const [anchor, ...issuers] = path.slice(1).toReversed();
  if (anchor === undefined) throw new Error("unreachable: a path ends in an anchor");
  checkIssuer(anchor, purpose, now, true);
  pathLength.process(anchor);
  names.add(anchor);
  policies.prepareForNext(anchor);
  for (const issuer of issuers) {
    // RFC 5280 §6.1.3 (b): a self-issued certificate that is not the last may carry any name.
    if (!isSelfIssued(issuer)) names.check(issuer);
    policies.process(issuer, false);
    checkIssuer(issuer, purpose, now, false);
    pathLength.process(issuer);
    names.add(issuer);
    policies.prepareForNext(issuer);
  }
  names.check(leaf);
  policies.process(leaf, true);
  policies.wrapUp(leaf);

  const ends = path.map((certificate) => endOf(certificate.notAfter));
  ends.push(...checkRevocation(path, options, budget));
  return new Date(Math.min(...ends.map((end) => end.getTime())));
}
