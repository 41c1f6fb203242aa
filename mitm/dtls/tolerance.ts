import type { Weakness } from "../weaknesses/index.ts";

/** Which rules an end does not hold its peer to. See EndOptions. */
export type Tolerates = ReadonlySet<string> | "everything";

/** The two questions that an engine asks of what it tolerates. */
export class Tolerance {
  readonly #tolerates: Tolerates;

  constructor(tolerates: Tolerates) {
    this.#tolerates = tolerates;
  }

  /** Whether the check of this name is made. An attacker makes none. */
  holds(weakness: Weakness): boolean {
    return this.#tolerates !== "everything" && !this.#tolerates.has(weakness);
  }

  /** Whether this end is a weak twin that does what the missing check would have prevented. An attacker is none. */
  lacks(weakness: Weakness): boolean {
    return this.#tolerates !== "everything" && this.#tolerates.has(weakness);
  }

  get isAttacker(): boolean {
    return this.#tolerates === "everything";
  }
}
