import type { Patience } from "../../lab/lab.ts";

/**
 * How long a target is given to refuse, ms, where silence shows that it does not: longer than for "nothing came", since
 * a target that is slow must not be called broken, however little patience the lab was told to have; shorter than any handshake's own time-out.
 */
export function refusalMs({ silenceMs, answerMs }: Patience): number {
  return Math.max(800, Math.min(answerMs, 2 * silenceMs));
}
