import type { Environment } from "../association/settings.ts";
import { generateKeyShare } from "../crypto/key-agreement.ts";
import { randomBytes } from "../crypto/random.ts";

/** Time, as the endpoint uses it; replaced in tests. */
export interface Scheduler {
  /** Milliseconds on a clock that never goes back; the same as the environment's. */
  now(): number;
  /** Calls back once; the result cancels. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back again and again, without keeping the process alive; the result cancels. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Calls back when what came in together has been dealt with. */
  endOfTurn(callback: () => void): void;
}

export const systemScheduler: Scheduler = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs).unref();
    return () => clearInterval(timer);
  },
  endOfTurn: (callback) => {
    setImmediate(callback);
  },
};

export const systemEnvironment: Environment = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  random: randomBytes,
  generateKeyShare,
};
