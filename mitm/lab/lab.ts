import type { Transport } from "../attack.ts";
import type { Prng } from "../prng.ts";
import type { Recorder } from "../record/recorder.ts";

/** How long the lab waits; a slow board needs more than a gateway on the same machine. */
export interface Patience {
  /** For the next message of a handshake or an answer of the application, ms. */
  readonly answerMs: number;
  /** How long nothing must come for "dropped in silence", ms. */
  readonly silenceMs: number;
}

/** What every attack is given, whichever side it is aimed at. One lab is one case: nothing is shared between cases. */
export interface Lab {
  readonly transport: Transport;
  /** Everything random that an attack decides comes from here, so that a case can be repeated. */
  readonly prng: Prng;
  readonly recorder: Recorder;
  readonly patience: Patience;
  /** Fires at the deadline of the case and when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Closed, in reverse order, when the case is over. */
  defer(close: () => void | Promise<void>): void;
}

/** An attempt to be let in, or to be trusted, and what came of it. */
export interface Entry {
  /** The target let the attacker in (a gateway), or said application data to it (a device). */
  readonly admitted: boolean;
  /** "CONNACK 0", "alert bad_certificate", "closed without an alert". */
  readonly how: string;
  readonly refusedAt: string | undefined;
  readonly alert: string | undefined;
  /** It was the lab's own end that would not go on, so that nothing is known of the target. */
  readonly byThisEnd?: boolean;
}
