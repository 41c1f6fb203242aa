export interface BackoffOptions {
  /** Ceiling of the first delay, in milliseconds. */
  readonly minMs: number;
  /** Ceiling of every delay, in milliseconds. */
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Exponential back-off with full jitter: delay n is uniform in [0, min(maxMs, minMs * 2^n)).
 *
 * Full jitter, because ten thousand devices that lose one gateway at the same instant must not come back at the
 * same instant.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How many delays were handed out since the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * The next delay in milliseconds.
   *
   * `slowly` asks for the long end, [maxMs / 2, maxMs), at once: after a failure that time alone does not cure.
   */
  next(pace: "soon" | "slowly" = "soon"): number {
    const { minMs, maxMs, random } = this.#options;
    // 2^30 is beyond every sensible ceiling; without the bound the power would reach Infinity.
    const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.floor(pace === "slowly" ? maxMs / 2 + (random() * maxMs) / 2 : random() * ceiling);
  }

  /** Starts again from the shortest delays. */
  reset(): void {
    this.#attempt = 0;
  }
}
