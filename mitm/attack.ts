import type { DeviceLab } from "./lab/device-lab.ts";
import type { GatewayLab } from "./lab/gateway-lab.ts";
import type { PairLab } from "./lab/pair-lab.ts";
import type { Weakness } from "./weaknesses/index.ts";

/** Whom an attack is aimed at; of a pair, the lab is the path between the two. */
export type Side = "gateway" | "device" | "pair";

/** `tls`: MQTT over TLS 1.2 or 1.3 on TCP. `dtls`: DTLS 1.2 on UDP. */
export type Transport = "tls" | "dtls";

/** Where the rule stands that the target keeps, or breaks. */
export interface Reference {
  /** As "RFC 5280 §6.1.3"; at least one. */
  readonly rfc: readonly string[];
  /** Numbers of the Common Weakness Enumeration: what a broken verdict is an instance of. */
  readonly cwe: readonly number[];
  /** Provisions of ETSI EN 303 645, as "5.5-1". */
  readonly en303645?: readonly string[];
  /** Points of the Cyber Resilience Act's Annex I, as "I(2)(d)". */
  readonly cra?: readonly string[];
  /** Other places to read: a CVE, a paper. */
  readonly also?: readonly string[];
}

/** How bad a broken verdict is, for SARIF and for the order of the report. */
export type Severity = "critical" | "high" | "medium" | "low";

interface AttackInfo {
  /** Row of the catalogue, a letter where a row is tried in several ways: "D-CERT-10b". */
  readonly id: string;
  /** What the attacker does, as a noun phrase: "an expired certificate". */
  readonly title: string;
  readonly transports: readonly Transport[];
  /** The missing check that this attack finds: a target without it is broken. Names the weak twin of the self-test. */
  readonly defeats: Weakness;
  readonly severity: Severity;
  readonly reference: Reference;
}

export interface GatewayAttack extends AttackInfo {
  readonly side: "gateway";
  run(lab: GatewayLab): Promise<Finding>;
}

export interface DeviceAttack extends AttackInfo {
  readonly side: "device";
  run(lab: DeviceLab): Promise<Finding>;
}

export interface PairAttack extends AttackInfo {
  readonly side: "pair";
  run(lab: PairLab): Promise<Finding>;
}

export type Attack = GatewayAttack | DeviceAttack | PairAttack;

/**
 * What an attack saw. It is not yet the verdict: the runner turns "held" into "not delivered" where no receipt is on
 * record, into "broken" where application bytes leaked, and anything into "inconclusive" where the valid twin failed.
 */
export type Finding =
  | {
      readonly result: "held";
      /** What shows it: "alert bad_certificate", "the record was dropped, the session goes on". */
      readonly how: string;
      /** The last message that the target had got when it refused: "CertificateVerify". */
      readonly refusedAt?: string | undefined;
      /** RFC name of the alert it sent, if it sent one. */
      readonly alert?: string | undefined;
      /** What the target did next: "closed", "tried again", "went on". */
      readonly next?: string | undefined;
    }
  | { readonly result: "broken"; readonly how: string; readonly next?: string | undefined }
  | { readonly result: "inconclusive"; readonly how: string };

export function held(
  how: string,
  more: Omit<Extract<Finding, { result: "held" }>, "result" | "how"> = {},
): Finding {
  return { result: "held", how, ...more };
}

export function broken(how: string, next?: string): Finding {
  return { result: "broken", how, next };
}

export function inconclusive(how: string): Finding {
  return { result: "inconclusive", how };
}

/** Only to have the type of an attack checked where it is written. */
export function gatewayAttack(attack: Omit<GatewayAttack, "side">): GatewayAttack {
  return { side: "gateway", ...attack };
}

export function deviceAttack(attack: Omit<DeviceAttack, "side">): DeviceAttack {
  return { side: "device", ...attack };
}

export function pairAttack(attack: Omit<PairAttack, "side">): PairAttack {
  return { side: "pair", ...attack };
}
