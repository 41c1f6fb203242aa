import type { Patience } from "../../lab/lab.ts";

/**
 * How long a target is given to refuse, ms, where silence shows that it does not: longer than for "nothing came", since
 * a target that is slow must not be called broken; shorter than any handshake's own time-out.
 */
export function refusalMs({ silenceMs, answerMs }: Patience): number {
  return Math.min(answerMs, Math.max(800, 2 * silenceMs));
}
