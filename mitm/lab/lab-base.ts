import type { Transport } from "../attack.ts";
import type { Prng } from "../prng.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Lab, Patience } from "./lab.ts";

/** What a lab is opened with, for one case. */
export interface LabOptions {
  readonly transport: Transport;
  readonly prng: Prng;
  readonly recorder: Recorder;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** What the three labs have in common: the case's surroundings, and the closing of all that it opened. */
export abstract class LabBase implements Lab, AsyncDisposable {
  readonly transport: Transport;
  readonly prng: Prng;
  readonly recorder: Recorder;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly #open: Array<() => void | Promise<void>> = [];
  #closed = false;

  constructor(options: LabOptions) {
    this.transport = options.transport;
    this.prng = options.prng;
    this.recorder = options.recorder;
    this.patience = options.patience;
    this.signal = options.signal;
    // An attack that is given up may never come to its own end: what it has open would stay so.
    const give = () => void this[Symbol.asyncDispose]();
    if (this.signal.aborted) give();
    else this.signal.addEventListener("abort", give, { once: true });
  }

  defer(close: () => void | Promise<void>): void {
    // An attack whose time is up may still be opening things.
    if (this.#closed) void settled(close);
    else this.#open.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const close of this.#open.splice(0).toReversed()) await settled(close);
  }
}

/** What is wrong in closing one thing must not keep the others open, nor hold up the run. */
async function settled(close: () => void | Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closingMs);
  });
  try {
    await Promise.race([close(), late]);
  } catch {
    return;
  } finally {
    clearTimeout(timer);
  }
}

const closingMs = 2_000;
