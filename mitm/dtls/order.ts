import type { Weakness } from "../weaknesses/index.ts";
import type { MessageName } from "./names.ts";
import type { Tolerance } from "./tolerance.ts";

/** A message that has its place in a handshake, and what a peer lacks that can do without it. */
export interface Place {
  readonly name: MessageName;
  /** It need not come at all. */
  readonly optional?: boolean;
  /** Its absence is no obstacle to a peer with this weakness. */
  readonly skippedBy?: Weakness;
}

/**
 * Which message may come next (RFC 5246 §7.3). ChangeCipherSpec has no number in DTLS, so that one which comes early may
 * have overtaken others: it is ignored, not refused.
 */
export class MessageOrder {
  readonly #places: readonly Place[];
  readonly #tolerance: Tolerance;
  readonly #had = new Set<string>();
  readonly #excused = new Set<MessageName>();
  #furthest = -1;
  #skipped = false;

  constructor(places: readonly Place[], tolerance: Tolerance) {
    this.#places = places;
    this.#tolerance = tolerance;
  }

  has(name: MessageName): boolean {
    return this.#had.has(name);
  }

  /** Whether everything came that had to come before this message. */
  completeBefore(name: MessageName): boolean {
    return this.#missingBefore(this.#places.findIndex((place) => place.name === name)).length === 0;
  }

  /** These need not come after all, as the hellos have it. */
  excuse(...names: readonly MessageName[]): void {
    for (const name of names) this.#excused.add(name);
  }

  /** "taken", "early" for a ChangeCipherSpec that is to be ignored, or "refused". */
  take(name: string): "taken" | "early" | "refused" {
    const rank = this.#places.findIndex((place) => place.name === name);
    if (rank < 0) return this.#tolerance.isAttacker ? "taken" : "refused";
    const verdict = this.#verdict(name, rank);
    if (verdict !== "taken") return verdict;
    this.#had.add(name);
    if (name !== "ChangeCipherSpec") this.#furthest = Math.max(this.#furthest, rank);
    return "taken";
  }

  #verdict(name: string, rank: number): "taken" | "early" | "refused" {
    const { holds, lacks } = bound(this.#tolerance);
    if (this.#had.has(name)) {
      if (name === "ChangeCipherSpec") return lacks("repeated-change-cipher-spec") ? "taken" : "early";
      const replaces = name === "Certificate" && lacks("second-certificate-accepted");
      if (holds("duplicate-messages-accepted") && !replaces) return "refused";
      if (replaces) return "taken";
    }
    // A weak twin that changed its keys too early waits for the rest no more, and takes it all the same.
    if (this.#skipped) return "taken";
    if (rank < this.#furthest && !this.#had.has(name) && holds("handshake-order-not-enforced")) {
      return "refused";
    }
    const missing = this.#missingBefore(rank);
    if (missing.length === 0) return "taken";
    if (name === "ChangeCipherSpec") {
      if (lacks("early-change-cipher-spec")) {
        this.#skipped = true;
        return "taken";
      }
      return holds("handshake-order-not-enforced") ? "early" : "taken";
    }
    if (name === "Finished") return holds("early-finished") ? "refused" : "taken";
    return holds("handshake-order-not-enforced") ? "refused" : "taken";
  }

  /** What must have come before the place at `rank`, and has not. */
  #missingBefore(rank: number): MessageName[] {
    return this.#places
      .slice(0, rank)
      .filter(({ name, optional, skippedBy }) => {
        if (this.#had.has(name) || optional === true || this.#excused.has(name) || this.#skipped)
          return false;
        return skippedBy === undefined || this.#tolerance.holds(skippedBy);
      })
      .map(({ name }) => name);
  }
}

function bound(tolerance: Tolerance): Pick<Tolerance, "holds" | "lacks"> {
  return { holds: (name) => tolerance.holds(name), lacks: (name) => tolerance.lacks(name) };
}
