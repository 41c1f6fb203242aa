import { PkiError } from "../errors.ts";

/**
 * What one validation may spend. A peer chooses how many certificates it sends and how they refer to each
 * other, so the search for a path is bounded by counted work; a run over a bound is PKI_PATH_WORK_LIMIT.
 */
export interface PathLimits {
  /** Certificates in `chain`. */
  readonly peerCertificates: number;
  /** Certificates in one path, leaf and anchor included. */
  readonly pathLength: number;
  /** Signature checks, on certificates and on CRLs together: the dear part, up to some milliseconds each. */
  readonly signatures: number;
  /** Candidate issuers looked at, each time one is looked at. */
  readonly edges: number;
  /** Comparisons of a name with a subtree of a name constraint; long ones count once more per 256 octets. */
  readonly comparisons: number;
}

/** Generous for real hierarchies (three or four certificates), tight for a peer that wants our time. */
export const defaultPathLimits: PathLimits = {
  peerCertificates: 32,
  pathLength: 10,
  signatures: 24,
  edges: 500,
  comparisons: 25_000,
};

type Counted = "signatures" | "edges" | "comparisons";

/** The work that one validation has done so far. */
export class WorkBudget {
  readonly limits: PathLimits;
  readonly #spent: Record<Counted, number> = { signatures: 0, edges: 0, comparisons: 0 };

  /** Throws RangeError for a limit that is no number, which would bound nothing. */
  constructor(limits: Partial<PathLimits> = {}) {
    this.limits = { ...defaultPathLimits, ...limits };
    for (const [name, limit] of Object.entries<unknown>({ ...this.limits })) {
      if (!(typeof limit === "number" && limit >= 0)) throw new RangeError(`limits.${name} must be a number`);
    }
  }

  /** Counts `amount` units of work. Throws PKI_PATH_WORK_LIMIT when that goes over the bound. */
  spend(kind: Counted, amount = 1): void {
    this.#spent[kind] += amount;
    if (this.#spent[kind] > this.limits[kind]) {
      throw new PkiError(
        "PKI_PATH_WORK_LIMIT",
        `the search for a certificate path went over its bound of ${this.limits[kind]} ${kind}; ` +
          "send only the leaf and the intermediates that lead to the anchor",
      );
    }
  }

  get spent(): Readonly<Record<Counted, number>> {
    return this.#spent;
  }
}
