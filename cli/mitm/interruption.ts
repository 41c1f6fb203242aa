import { ExitCode } from "../errors.ts";
import type { Session } from "../verb.ts";

/** What a command of the lab is told of its end, and tells of what must not outlive it. */
export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /**
   * What must not be left behind, whatever ends the command: called when it shall end at once, with little time. The
   * function that comes back takes it off again.
   */
  onHurry(close: () => void | Promise<void>): () => void;
}

/** How long what must not be left behind may take, once it was said twice that the command shall end. */
const hurryMs = 5_000;

/**
 * Ends `work` in an orderly way at the first SIGINT, SIGTERM or SIGHUP. The second ends the process as soon as nothing
 * is left that has to be undone; the third does not wait for that. A stdout that is closed (`| head`) ends nothing early.
 */
export async function interruptible<T>(
  { io, out }: Session,
  work: (interruption: Interruption) => Promise<T>,
  exit: (code: ExitCode) => void = (code) => process.exit(code),
): Promise<T> {
  const stop = new AbortController();
  const closers = new Set<() => void | Promise<void>>();
  let signals = 0;
  const hurry = async () => {
    const closing = Promise.allSettled([...closers].map(async (close) => await close()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, hurryMs).unref();
    await Promise.race([closing, late]);
    exit(ExitCode.undecided);
  };
  const signalsOff = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    io.onSignal(name, () => {
      signals += 1;
      if (signals === 1) {
        out.note("ending; what was tried is reported (again to end at once)");
        stop.abort(new Error(`interrupted by ${name}`));
      } else if (signals === 2) void hurry();
      else exit(ExitCode.undecided);
    }),
  );
  io.outliveOutput?.();
  try {
    return await work({
      signal: stop.signal,
      onHurry(close) {
        closers.add(close);
        return () => closers.delete(close);
      },
    });
  } finally {
    for (const signalOff of signalsOff) signalOff();
  }
}
