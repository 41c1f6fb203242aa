import type { Reference, Severity, Side, Transport } from "../attack.ts";
import type { Step } from "../record/recorder.ts";

/**
 * What a case came to. `held`: the target kept the rule, and it is on record that the attack reached it. `broken`: it did
 * not. The other three say nothing about the target: the attack did not arrive, the lab could not tell (the honest twin
 * failed too, or time ran out), or the target lacks what is attacked.
 */
export type Verdict = "held" | "broken" | "not delivered" | "inconclusive" | "not applicable";

/** In the order in which a reader wants to hear of them. */
export const verdicts: readonly Verdict[] = [
  "broken",
  "not delivered",
  "inconclusive",
  "held",
  "not applicable",
];

/** One target of a run, and where it was reached. */
export interface TargetReport {
  readonly side: Side;
  readonly name: string;
  /** "tls 127.0.0.1:8883", or where the lab waited for a device: "dtls, waited on 127.0.0.1:40123". */
  readonly endpoints: readonly string[];
}

/** The valid twin of a case: an honest peer that does the same without the attack, which must succeed. */
interface ControlReport {
  readonly ok: boolean;
  /** "CONNACK 0", or why it failed. */
  readonly how: string;
  readonly ms: number;
}

/** One attack over one transport: all that the reports say of it. */
export interface CaseReport {
  /** Attack and transport, "G-CERT-05/dtls"; unique in a run. */
  readonly id: string;
  /** Row of the catalogue: "G-CERT-05". */
  readonly attack: string;
  /** What the attacker did, as a noun phrase: "an expired certificate". */
  readonly title: string;
  readonly side: Side;
  readonly transport: Transport;
  readonly severity: Severity;
  /** The check that is missing where the verdict is broken. */
  readonly weakness: { readonly name: string; readonly what: string; readonly remedy: string };
  readonly reference: Reference;
  readonly verdict: Verdict;
  /** What shows it: "alert bad_certificate", "CONNACK 0 for an expired certificate". */
  readonly how: string;
  readonly control: ControlReport;
  /** How it is known that the attack reached the target. Undefined: it is not known. */
  readonly delivery?: string | undefined;
  /** The last message that the target had got when it refused: "CertificateVerify". */
  readonly refusedAt?: string | undefined;
  /** RFC name of the alert that it sent. */
  readonly alert?: string | undefined;
  /** What the target did next: "closed", "tried again". */
  readonly next?: string | undefined;
  /** Application bytes that the target said to somebody whom it had to refuse; 0 wherever the verdict is held. */
  readonly leakedBytes: number;
  readonly durationMs: number;
  /** The exchange, in order of time. */
  readonly steps: readonly Step[];
  /** Command that runs this case again. */
  readonly replay: string;
  /** Files of the evidence folder that belong to this case, by their paths within it. */
  readonly files: readonly string[];
}

/** The self-test of the lab: how many of the weak twins its cases found out. */
export interface KillRate {
  readonly detected: number;
  readonly total: number;
  /** Cases whose weak twin got away, by id. */
  readonly missed: readonly string[];
}

/** A whole run: what `run.json` holds, and what every other report is made from. */
export interface RunReport {
  readonly schema: "sallyport-mitm/1";
  readonly tool: { readonly name: string; readonly version: string };
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Of the pseudo-random decisions: the same seed makes the same run. */
  readonly seed: string;
  /** Command that makes this run again. */
  readonly command: string;
  readonly targets: readonly TargetReport[];
  /** In the order of the catalogue. */
  readonly cases: readonly CaseReport[];
  readonly summary: Readonly<Record<Verdict, number>>;
  readonly killRate?: KillRate | undefined;
  /** Why the run ended before all of its cases had been tried. */
  readonly interrupted?: string | undefined;
  /** What a reader has to know before believing the rest: "no second device was given: 9 cases do not apply". */
  readonly notes: readonly string[];
}

/** How many cases came to each verdict. */
export function summarise(cases: readonly Pick<CaseReport, "verdict">[]): Record<Verdict, number> {
  const summary: Record<Verdict, number> = {
    held: 0,
    broken: 0,
    "not delivered": 0,
    inconclusive: 0,
    "not applicable": 0,
  };
  for (const { verdict } of cases) summary[verdict] += 1;
  return summary;
}
