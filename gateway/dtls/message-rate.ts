/** A token bucket: so many messages a second, and no more than a second's worth at once. */
export class MessageRate {
  readonly #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#at = nowMs;
  }

  /** May one more message be answered at `nowMs`, a clock that never goes back? */
  take(nowMs: number): boolean {
    const refilled = this.#tokens + ((nowMs - this.#at) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, refilled);
    this.#at = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
