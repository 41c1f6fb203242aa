/**
 * A promise that is only made when somebody asks for it: most sessions of a server are used by callbacks. Its
 * rejection is not unhandled when nobody did ask.
 */
export class LatePromise<T> {
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  #waiting: PromiseWithResolvers<T> | undefined;

  get promise(): Promise<T> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers<T>();
      this.#waiting.promise.catch(() => undefined);
      this.#settle();
    }
    return this.#waiting.promise;
  }

  /** The first of `resolve` and `reject` counts. */
  resolve(value: T): void {
    this.#outcome ??= { value };
    this.#settle();
  }

  reject(error: unknown): void {
    this.#outcome ??= { error };
    this.#settle();
  }

  #settle(): void {
    const outcome = this.#outcome;
    if (outcome === undefined || this.#waiting === undefined) return;
    if ("value" in outcome) this.#waiting.resolve(outcome.value);
    else this.#waiting.reject(outcome.error);
  }
}
