import { GatewayError } from "../errors.ts";
import type { Operation } from "./operations.ts";
import type { Store } from "./store.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * Self-clocking group commit. Operations gather while the store makes the previous ones durable and go out together
 * as the next transaction the moment it answers: the slower the disk, the larger the group. One operation that comes
 * alone waits for nobody.
 */
export class CommitLog {
  readonly #store: Store;
  readonly #onFailure: (error: GatewayError) => void;
  #operations: Operation[] = [];
  #waiters: Waiter[] = [];
  #committing: readonly Waiter[] | undefined;
  #scheduled = false;
  #failed: GatewayError | undefined;
  #transactions = 0;
  #resolving = 0;

  constructor(store: Store, onFailure: (error: GatewayError) => void) {
    this.#store = store;
    this.#onFailure = onFailure;
    store.onDeath = (error) => this.#fail(error);
  }

  get transactions(): number {
    return this.#transactions;
  }

  get failed(): GatewayError | undefined {
    return this.#failed;
  }

  /** Whether everything appended is durable and everybody who waited for it has been told. */
  get idle(): boolean {
    return this.#operations.length === 0 && this.#committing === undefined && this.#resolving === 0;
  }

  /** Throws the error that ended the log, if one did. */
  check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  append(...operations: readonly Operation[]): void {
    if (this.#failed !== undefined) return;
    this.#operations.push(...operations);
    this.#schedule();
  }

  /**
   * Resolves when everything appended so far is durable, at once when there is nothing to wait for. Whoever asked
   * first is told first, each in a turn of the event loop of its own: the broker numbers a message while it reacts
   * and drops, as duplicates, numbers that reach a subscriber out of order, so one reaction must end before the
   * next begins.
   */
  durable(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    if (this.idle) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#schedule();
    });
  }

  /** Commits what is left and closes the store; later operations are refused. */
  async close(): Promise<void> {
    if (this.#failed === undefined) {
      // Failing here is reported through onFailure; the store is closed all the same.
      await this.durable().catch(() => undefined);
    }
    this.#failed ??= new GatewayError("GATEWAY_STATE_CLOSED", "the broker state is closed");
    await this.#store.close();
  }

  /** The rest of this turn's operations join the first one's transaction. */
  #schedule(): void {
    if (this.#scheduled || this.#committing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#failed !== undefined || this.#committing !== undefined) return;
    const operations = this.#operations;
    const waiters = this.#waiters;
    if (operations.length === 0 && waiters.length === 0) return;
    this.#operations = [];
    this.#waiters = [];
    if (operations.length === 0) {
      this.#tell(waiters);
      return;
    }
    this.#committing = waiters;
    this.#transactions++;
    this.#store.apply(operations).then(
      () => this.#committed(waiters),
      (error: unknown) => this.#fail(asGatewayError(error)),
    );
  }

  #committed(waiters: readonly Waiter[]): void {
    this.#committing = undefined;
    this.#tell(waiters);
    this.#commit();
  }

  #tell(waiters: readonly Waiter[]): void {
    this.#resolving += waiters.length;
    for (const waiter of waiters) {
      setImmediate(() => {
        this.#resolving--;
        waiter.resolve();
      });
    }
  }

  #fail(error: GatewayError): void {
    if (this.#failed !== undefined) return;
    this.#failed = error;
    const waiters = [...(this.#committing ?? []), ...this.#waiters];
    this.#committing = undefined;
    this.#operations = [];
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
    this.#onFailure(error);
  }
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new GatewayError("GATEWAY_STATE_FAILED", `the broker state cannot be written: ${detail}`, {
    cause: error,
  });
}
