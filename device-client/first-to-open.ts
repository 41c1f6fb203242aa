import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { DeviceError, errorOf, textOf } from "./errors.ts";
import type { GatewayAddress, StartTimer } from "./session-options.ts";

/** RFC 8305 §5: "Connection Attempt Delay"; with UDP nobody says that nobody is there, so a host may have to wait for it. */
const attemptDelayMs = 250;

export interface Race<T> {
  /** At least one. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  readonly startTimer: StartTimer;
  /** An attempt at one address; rejects soon after its signal is aborted. */
  readonly open: (address: string, signal: AbortSignal) => Promise<T>;
  /** Gives up what came second. */
  readonly abandon: (opened: T) => void;
}

/**
 * RFC 8305 (Happy Eyeballs): tries the addresses one after the other, the next when the one before has failed or has
 * not answered in time; the first that opens wins, the others are given up. When all fail, throws what says most;
 * throws the signal's reason when that comes first.
 */
export async function firstToOpen<T>(race: Race<T>): Promise<T> {
  const { addresses, signal, startTimer, open, abandon } = race;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const over = new AbortController();
  const failures: Error[] = [];
  let next = 0;
  let cancelTimer = () => {};
  const finish = (settle: () => void) => {
    cancelTimer();
    signal.removeEventListener("abort", onAbort);
    settle();
    over.abort(new Error("another address was quicker"));
  };
  const onAbort = () => finish(() => reject(errorOf(signal.reason)));
  const tryNext = () => {
    cancelTimer();
    const address = addresses[next];
    if (address === undefined) return;
    next += 1;
    cancelTimer = startTimer(tryNext, attemptDelayMs);
    void attempt(address);
  };
  const attempt = async (address: string) => {
    try {
      const opened = await open(address, over.signal);
      if (over.signal.aborted) abandon(opened);
      else finish(() => resolve(opened));
    } catch (error) {
      if (over.signal.aborted) return;
      failures.push(errorOf(error));
      if (failures.length === addresses.length) finish(() => reject(mostTelling(failures)));
      else tryNext();
    }
  };
  signal.addEventListener("abort", onAbort, { once: true });
  tryNext();
  return await promise;
}

/** One that says what is wrong with the gateway, before those that say that there is none. */
function mostTelling(failures: readonly Error[]): Error {
  const silent = new Set(["DEVICE_TIMEOUT", "DEVICE_UNREACHABLE"]);
  const telling = failures.find((error) => !(error instanceof DeviceError && silent.has(error.code)));
  const [first = new Error("unreachable: a race without runners")] = failures;
  return telling ?? first;
}

/** Throws DEVICE_UNREACHABLE. */
export async function addressesOf({ host, port }: GatewayAddress): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (cause) {
    throw new DeviceError(
      "DEVICE_UNREACHABLE",
      `cannot reach the gateway at ${host}:${port}: ${textOf(cause)}`,
      { cause },
    );
  }
}
