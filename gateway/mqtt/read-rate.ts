/**
 * A token bucket over bytes and messages that holds one second's worth. It never refuses: it says how long to
 * leave the socket unread, so TCP slows the sender down and nothing is lost or buffered here.
 */
export class ReadRate {
  readonly #messagesPerSecond: number;
  readonly #bytesPerSecond: number;
  #messages: number;
  #bytes: number;
  #at: number;

  constructor(
    limits: { readonly messagesPerSecond: number; readonly bytesPerSecond: number },
    nowMs: number,
  ) {
    this.#messagesPerSecond = this.#messages = limits.messagesPerSecond;
    this.#bytesPerSecond = this.#bytes = limits.bytesPerSecond;
    this.#at = nowMs;
  }

  /** Accounts for what was read and returns the milliseconds to stay away from the socket; 0 to read on. */
  take(bytes: number, messages: number, nowMs: number): number {
    const seconds = Math.max(0, nowMs - this.#at) / 1000;
    this.#at = nowMs;
    this.#messages =
      Math.min(this.#messagesPerSecond, this.#messages + seconds * this.#messagesPerSecond) - messages;
    this.#bytes = Math.min(this.#bytesPerSecond, this.#bytes + seconds * this.#bytesPerSecond) - bytes;
    const wait = Math.max(-this.#messages / this.#messagesPerSecond, -this.#bytes / this.#bytesPerSecond);
    return wait > 0 ? Math.ceil(wait * 1000) : 0;
  }
}
