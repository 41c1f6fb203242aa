/**
 * An answer that is already there: `then` calls back at once, in the same turn.
 *
 * aedes numbers a message (brokerCounter), then walks through storeRetained, subscriptionsByTopic and
 * outgoingEnqueueCombi, then emits it, and a subscriber drops any number lower than one it has seen. Were these
 * answers promises, a retained message (one more step) would be overtaken by the plain message behind it and be
 * dropped as a duplicate. Answered in the same turn, messages are emitted in the order of their numbers.
 *
 * Only for what aedes asks while it publishes or delivers, never for what it asks while it handles a packet other
 * than PUBLISH: its parser is not re-entrant.
 */
export class Settled<T> implements PromiseLike<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /* oxlint-disable unicorn/no-thenable -- being thenable is the purpose */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    _onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B>;
  then(onFulfilled?: ((value: T) => unknown) | null): PromiseLike<unknown> {
    if (typeof onFulfilled !== "function") return this;
    const next = onFulfilled(this.#value);
    return isThenable(next) ? next : new Settled(next);
  }
  /* oxlint-enable unicorn/no-thenable */
}

export const settled: PromiseLike<void> = new Settled<void>(undefined);

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
