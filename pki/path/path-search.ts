import { PkiError } from "../errors.ts";
import { sameBytes } from "../same-bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { checkPublicKey, checkSignatureAlgorithm, isSignatureOf } from "./algorithms.ts";
import { describe, quote } from "./describe.ts";
import { nameKey, sameName } from "./directory-name.ts";
import { isSelfIssued } from "./extensions.ts";
import type { WorkBudget } from "./work.ts";

/** Certificates by the leaf first, the anchor last. */
export type Path = readonly [Certificate, ...Certificate[]];

export interface SearchInput {
  readonly leaf: Certificate;
  readonly anchors: readonly Certificate[];
  /** Known locally, then sent by the peer: in this order they are tried. */
  readonly others: readonly Certificate[];
  readonly now: Date;
  readonly budget: WorkBudget;
  /** What is wrong with the leaf whatever path leads to it: said once a path was found, since nothing mends it. */
  readonly leafRefusal: PkiError | undefined;
  /** Called for each path whose signatures lead to an anchor. Throws PkiError to make the search go on. */
  readonly accept: (path: Path) => void;
}

/** How near to success a failure was: the nearest one is reported. */
const Nearness = { brokenSignature: 1, selfSigned: 2, weakAlgorithm: 3, tooLong: 4, refusedPath: 5 } as const;
type Nearness = (typeof Nearness)[keyof typeof Nearness];

interface Candidate {
  readonly certificate: Certificate;
  readonly isAnchor: boolean;
}

/**
 * Depth-first search for a path from the leaf to an anchor (RFC 4158 §2). Key identifiers and dates only say which
 * candidate to try first (RFC 4158 §3.5). Every signature is checked on the way, each pair once.
 */
export class PathSearch {
  readonly #input: SearchInput;
  readonly #bySubject = new Map<string, Candidate[]>();
  readonly #checked = new Map<string, boolean>();
  #nearest: { readonly nearness: Nearness; readonly error: PkiError } | undefined;
  #deepest: Path;

  constructor(input: SearchInput) {
    this.#input = input;
    this.#deepest = [input.leaf];
    const seen = new Set<string>();
    for (const certificate of input.anchors) this.#index({ certificate, isAnchor: true }, seen);
    for (const certificate of input.others) this.#index({ certificate, isAnchor: false }, seen);
  }

  /** The first path that `accept` takes. Throws the most telling PkiError when there is none. */
  find(): Path {
    const path = this.#extend([this.#input.leaf]);
    if (path !== undefined) return path;
    this.#noteSelfSigned();
    throw this.#nearest?.error ?? this.#unknownIssuer();
  }

  #extend(path: Path): Path | undefined {
    const { budget, accept, leafRefusal } = this.#input;
    const current = lastOf(path);
    if (path.length > this.#deepest.length) this.#deepest = path;
    for (const candidate of this.#candidatesFor(current)) {
      budget.spend("edges");
      if (path.some((member) => isSameEntity(member, candidate.certificate))) continue;
      if (path.length >= budget.limits.pathLength) {
        this.#note(Nearness.tooLong, tooLong(budget.limits.pathLength));
        return undefined;
      }
      if (!this.#isSignedBy(current, candidate.certificate)) continue;
      const longer: Path = [...path, candidate.certificate];
      if (!candidate.isAnchor) {
        const found = this.#extend(longer);
        if (found !== undefined) return found;
        continue;
      }
      if (leafRefusal !== undefined) throw leafRefusal;
      const refusal = attempt(() => accept(longer));
      if (refusal === undefined) return longer;
      this.#note(Nearness.refusedPath, refusal);
    }
    return undefined;
  }

  /** The candidates with the right name; anchors first, then those that the key identifier and the dates speak for. */
  #candidatesFor(certificate: Certificate): readonly Candidate[] {
    const candidates = this.#bySubject.get(nameKey(certificate.issuer)) ?? [];
    if (candidates.length < 2) return candidates;
    const scored = candidates.map((candidate) => ({ candidate, score: this.#score(certificate, candidate) }));
    return scored.toSorted((a, b) => b.score - a.score).map(({ candidate }) => candidate);
  }

  #score(certificate: Certificate, { certificate: issuer, isAnchor }: Candidate): number {
    const { now } = this.#input;
    const wanted = certificate.authorityKeyIdentifier;
    const has = issuer.subjectKeyIdentifier;
    const keyHint = wanted === undefined || has === undefined ? 0 : sameBytes(wanted, has) ? 1 : -1;
    const isCurrent = issuer.notBefore <= now && now <= issuer.notAfter;
    return (isAnchor ? 8 : 0) + keyHint * 2 + (isCurrent ? 1 : 0);
  }

  /** RFC 5280 §6.1.3 (a) (1): the signature verifies with the issuer's key. A weak one is not even tried. */
  #isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
    const pair = `${certificate.fingerprint} ${issuer.fingerprint}`;
    const known = this.#checked.get(pair);
    if (known !== undefined) return known;
    const isSigned = this.#verify(certificate, issuer);
    this.#checked.set(pair, isSigned);
    return isSigned;
  }

  #verify(certificate: Certificate, issuer: Certificate): boolean {
    const weakness = attempt(() => {
      checkSignatureAlgorithm(certificate, `certificate of ${describe(certificate)}`);
      checkPublicKey(issuer.subjectPublicKeyInfo, `certificate of ${describe(issuer)}`);
    });
    if (weakness !== undefined) {
      this.#note(Nearness.weakAlgorithm, weakness);
      return false;
    }
    if (proven.get(certificate)?.has(issuer) === true) return true;
    this.#input.budget.spend("signatures");
    if (verifiesUnder(certificate, issuer)) {
      remember(certificate, issuer);
      return true;
    }
    this.#note(
      Nearness.brokenSignature,
      new PkiError(
        "PKI_PATH_BAD_SIGNATURE",
        `certificate of ${describe(certificate)} is not signed by the key of its issuer ${describe(issuer)}: it was ` +
          "altered, or comes from another CA of the same name",
      ),
    );
    return false;
  }

  #noteSelfSigned(): void {
    const { leaf, budget } = this.#input;
    if (!isSelfIssued(leaf) || attempt(() => checkSignatureAlgorithm(leaf, "leaf")) !== undefined) return;
    budget.spend("signatures");
    if (!verifiesUnder(leaf, leaf)) return;
    this.#note(
      Nearness.selfSigned,
      new PkiError(
        "PKI_PATH_SELF_SIGNED",
        `certificate of ${describe(leaf)} is self-signed; present one that a trusted CA issued`,
      ),
    );
  }

  #unknownIssuer(): PkiError {
    const last = lastOf(this.#deepest);
    const detail = sameName(last.subject, last.issuer)
      ? `the chain ends at ${describe(last)}, which is self-issued and no trust anchor here`
      : `the issuer of ${describe(last)}, ${quote(last.issuer.toString())}, is neither a trust ` +
        "anchor nor among the certificates sent";
    return new PkiError(
      "PKI_PATH_UNKNOWN_ISSUER",
      `no path from ${describe(this.#input.leaf)} to a trust anchor: ${detail}`,
    );
  }

  #note(nearness: Nearness, error: PkiError): void {
    if (this.#nearest === undefined || nearness > this.#nearest.nearness) this.#nearest = { nearness, error };
  }

  #index(candidate: Candidate, seen: Set<string>): void {
    if (seen.has(candidate.certificate.fingerprint)) return;
    seen.add(candidate.certificate.fingerprint);
    const key = nameKey(candidate.certificate.subject);
    const list = this.#bySubject.get(key);
    if (list === undefined) this.#bySubject.set(key, [candidate]);
    else list.push(candidate);
  }
}

/**
 * Signatures that were found right, by certificate object. The objects of a server's own CAs live as long as it does,
 * so the dear signature of a root on an issuing CA is checked once; what a peer sent goes with the peer.
 */
const proven = new WeakMap<Certificate, WeakSet<Certificate>>();

function remember(certificate: Certificate, issuer: Certificate): void {
  const issuers = proven.get(certificate);
  if (issuers === undefined) proven.set(certificate, new WeakSet([issuer]));
  else issuers.add(issuer);
}

export function lastOf(path: Path): Certificate {
  return path.at(-1) ?? path[0];
}

/** RFC 4158 §5.2: the same name and key twice in a path is a loop, in whatever certificate they come. */
function isSameEntity(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.subjectPublicKeyInfo, b.subjectPublicKeyInfo) && sameName(a.subject, b.subject);
}

function verifiesUnder(certificate: Certificate, issuer: Certificate): boolean {
  // A key that cannot be read (a point off its curve, say) has signed nothing.
  if (attempt(() => issuer.publicKey) !== undefined) return false;
  return isSignatureOf(issuer.publicKey, certificate);
}

function tooLong(pathLength: number): PkiError {
  return new PkiError(
    "PKI_PATH_WORK_LIMIT",
    `the certificate path is longer than ${pathLength} certificates`,
  );
}

/** The PkiError that `step` throws, if any. The work limit ends everything and is passed on. */
export function attempt(step: () => unknown): PkiError | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (error instanceof PkiError && error.code !== "PKI_PATH_WORK_LIMIT") return error;
    throw error;
  }
}
