import type { Finding } from "../attack.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Verdict } from "../report/run-report.ts";

/** How the valid twin fared: the same thing done honestly. */
export interface Control {
  readonly ok: boolean;
  /** "CONNACK 0", or why not. */
  readonly how: string;
  readonly ms: number;
  /** Nobody came to be served: a device that dials by itself did not, in the time that it was given. */
  readonly absent?: true;
}

/** How the run of an attack ended. */
export type Ending =
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "not applicable"; readonly how: string }
  | { readonly kind: "not delivered"; readonly how: string }
  | { readonly kind: "failed"; readonly how: string };

export interface Judgement {
  readonly verdict: Verdict;
  readonly how: string;
  /** What broke is the service for others, whatever the attack was about. */
  readonly outage?: true;
}

/**
 * The verdict, from what the attack found and what was seen around it. An attack cannot declare itself held: that
 * needs a receipt, a valid twin that got through before, no application bytes for the attacker, and a target that still
 * serves its honest peers after.
 */
export function judge(
  ending: Ending,
  before: Control,
  seenAfter: Control | undefined,
  seen: Pick<Recorder, "delivered" | "leakedBytes" | "attacked">,
): Judgement {
  // A device that waits, or gives up, after it was refused has kept every rule.
  const after = seenAfter?.absent === true ? undefined : seenAfter;
  if (!before.ok && ending.kind !== "not applicable")
    return { verdict: "inconclusive", how: `the valid twin did not get through: ${before.how}` };
  if (after?.ok === false && isUndecided(ending)) return outageOf(ending, after, seen.attacked);
  if (ending.kind === "not applicable") return { verdict: "not applicable", how: ending.how };
  if (ending.kind === "not delivered") return { verdict: "not delivered", how: ending.how };
  if (ending.kind === "failed") return { verdict: "inconclusive", how: ending.how };
  const { finding } = ending;
  // A success needs no receipt: nothing that did not arrive can have worked.
  if (finding.result === "broken") return { verdict: "broken", how: finding.how };
  if (seen.leakedBytes > 0) {
    return {
      verdict: "broken",
      how: `${seen.leakedBytes} bytes of application data were said first; then: ${finding.how}`,
    };
  }
  if (finding.result === "inconclusive") return { verdict: "inconclusive", how: finding.how };
  if (seen.delivered === undefined) {
    return { verdict: "not delivered", how: `nothing shows that the attack arrived (${finding.how})` };
  }
  if (after?.ok === false) {
    return {
      verdict: "broken",
      how: `an honest peer is not served any more: ${after.how}; before: ${finding.how}`,
      outage: true,
    };
  }
  return { verdict: "held", how: finding.how };
}

/** What would be passed over, though the target may be in ruins: an attack that ended in an error, or was none. */
function isUndecided(ending: Ending): boolean {
  if (ending.kind === "finding") return ending.finding.result === "inconclusive";
  return ending.kind !== "not delivered";
}

/** A target that stopped serving: broken if something of the attack was sent, and otherwise it is not known by what. */
function outageOf(ending: Ending, after: Control, attacked: boolean): Judgement {
  const before = ending.kind === "finding" ? ending.finding.how : ending.how;
  const how = `an honest peer is not served any more: ${after.how}; before: ${before}`;
  return attacked ? { verdict: "broken", how, outage: true } : { verdict: "inconclusive", how };
}
