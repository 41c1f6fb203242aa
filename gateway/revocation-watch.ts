/** How often the inventory is asked whether anything changed, in milliseconds. */
export const watchIntervalMs = 250;
/** The longest rest after a round, in milliseconds: with the interval and the round itself it stays within a second. */
const longestRestMs = 500;

export interface RevocationWatchOptions {
  /** Differs after every change of the inventory. */
  readonly changeCounter: () => number;
  /** Everything that is to be judged again after a change. */
  readonly subjects: () => Iterable<() => void>;
  /** Called on every turn, for what only time changes. */
  readonly onTick?: () => void;
  readonly onError: (error: unknown) => void;
  /** Default `watchIntervalMs`. */
  readonly intervalMs?: number;
  /** Judgements between two pauses in which the broker gets to work. */
  readonly slice?: number;
}

/**
 * Notices changes of the inventory, made by this process or another, and has every live session judged again,
 * in slices, so that many sessions do not hold up the broker. A change during a round starts another round, after
 * a rest of twice the round's length, so that a steady stream of changes leaves the broker most of the time.
 */
export class RevocationWatch {
  readonly #options: RevocationWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #seen: number | undefined;
  #round: Promise<void> | undefined;
  #failing = false;
  #restUntil = 0;

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
    this.#seen = this.#counter();
    this.#timer = setInterval(() => this.#tick(), options.intervalMs ?? watchIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#options.onTick?.();
    if (this.#round !== undefined || performance.now() < this.#restUntil) return;
    const counter = this.#counter();
    // A counter that cannot be read tells nothing: what was seen last stays, and the next turn asks again.
    if (counter === undefined || counter === this.#seen) return;
    this.#seen = counter;
    const began = performance.now();
    this.#round = this.#judgeAll().finally(() => {
      const ended = performance.now();
      this.#restUntil = ended + Math.min(2 * (ended - began), longestRestMs);
      this.#round = undefined;
    });
  }

  async #judgeAll(): Promise<void> {
    let judged = 0;
    for (const judge of this.#options.subjects()) {
      try {
        judge();
      } catch (error) {
        // Whoever could not be judged is judged in the next round, whether or not anything changes until then.
        this.#seen = undefined;
        this.#options.onError(error);
      }
      judged += 1;
      if (judged % (this.#options.slice ?? 200) === 0) {
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
  }

  #counter(): number | undefined {
    try {
      const counter = this.#options.changeCounter();
      this.#failing = false;
      return counter;
    } catch (error) {
      if (!this.#failing) this.#options.onError(error);
      this.#failing = true;
      return undefined;
    }
  }
}
