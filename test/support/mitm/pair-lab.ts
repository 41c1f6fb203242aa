import type { Transport } from "../../../mitm/attack.ts";
import { LabAtPair, type ListenPlace } from "../../../mitm/lab/at-pair.ts";
import { Prng } from "../../../mitm/prng.ts";
import { Recorder } from "../../../mitm/record/recorder.ts";
import type { PairTarget } from "../../../mitm/targets.ts";

/** A lab between the ends of this pair, as the runner opens one for a case. */
export function pairLab(target: PairTarget, transport: Transport, seed = 1, listen?: ListenPlace): LabAtPair {
  return new LabAtPair(
    {
      transport,
      prng: new Prng(seed),
      recorder: new Recorder(),
      patience: { answerMs: 3_000, silenceMs: 300 },
      signal: AbortSignal.timeout(20_000),
    },
    target,
    listen,
  );
}
