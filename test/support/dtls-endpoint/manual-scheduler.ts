import type { Scheduler } from "../../../dtls/endpoint/scheduler.ts";

interface Timer {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** Time that passes when a test says so. */
export class ManualScheduler implements Scheduler {
  #now = 1000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  /** Of `after`; what repeats is not counted. */
  get timers(): number {
    return [...this.#timers].filter(({ every }) => every === undefined).length;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#now + delayMs, every: undefined, callback });
  }

  every(intervalMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#now + intervalMs, every: intervalMs, callback });
  }

  endOfTurn(callback: () => void): void {
    this.after(0, callback);
  }

  /** Runs what falls due, in order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.every === undefined) this.#timers.delete(next);
      else next.at += next.every;
      next.callback();
    }
    this.#now = end;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
}
