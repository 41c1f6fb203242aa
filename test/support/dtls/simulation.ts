/** Fake time: events in the order of their time, and in the order they were made where that is the same. */
export class Simulation {
  #now = 0;
  #made = 0;
  /** A binary heap: each parent comes before its two children. */
  readonly #heap: Event[] = [];

  get now(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#heap.length;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#now + delayMs, run);
  }

  at(timeMs: number, run: () => void): void {
    const event = { timeMs: Math.max(timeMs, this.#now), order: this.#made, run };
    this.#made += 1;
    this.#push(event);
  }

  /** Runs what is due within the next `durationMs`, and leaves the clock there. */
  runFor(durationMs: number): void {
    const end = this.#now + durationMs;
    this.runUntil(() => false, durationMs);
    this.#now = end;
  }

  /** Runs until `done`, until nothing is left to run, or for `limitMs`; answers `done`. */
  runUntil(done: () => boolean, limitMs: number): boolean {
    const end = this.#now + limitMs;
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.timeMs > end) return false;
      this.#pop();
      this.#now = next.timeMs;
      next.run();
    }
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || comesBefore(parent, event)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = left !== undefined && right !== undefined && comesBefore(right, left) ? right : left;
      if (child === undefined || comesBefore(last, child)) break;
      heap[index] = child;
      index = child === right ? 2 * index + 2 : 2 * index + 1;
    }
    heap[index] = last;
  }
}

interface Event {
  readonly timeMs: number;
  readonly order: number;
  readonly run: () => void;
}

function comesBefore(one: Event, other: Event): boolean {
  return one.timeMs === other.timeMs ? one.order < other.order : one.timeMs < other.timeMs;
}
