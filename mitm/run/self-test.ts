import type { Attack } from "../attack.ts";
import type { CaseReport, KillRate } from "../report/run-report.ts";
import { twinDevice } from "../twins/device.ts";
import { twinGateway } from "../twins/gateway.ts";
import { twinPair } from "../twins/pair.ts";
import type { Case } from "./case.ts";
import { deviceSource, gatewaySource, pairSource } from "./lab-sources.ts";
import type { RunOptions } from "./options.ts";
import { type RunResult, runMitm } from "./run.ts";
import type { Source } from "./sources.ts";

export interface SelfTestResult extends RunResult {
  readonly killRate: KillRate;
  /** Cases that did not call a twin held that keeps every rule: a false alarm, or no answer. */
  readonly notHeld: readonly CaseReport[];
}

type SelfTestOptions = Omit<RunOptions, "sources" | "replay" | "command"> & {
  readonly lanes: number;
  readonly catalogue: readonly Attack[];
};

/**
 * The lab on itself: each case against a twin of the gateway, device or pair that lacks just the check which the attack
 * is there to find, and must be told broken; then against one that keeps every rule, and must be told held.
 */
export async function selfTest(options: SelfTestOptions): Promise<SelfTestResult> {
  const common = { ...options, command: "npx sallyport mitm self-test" };
  const replay = (one: Case) => `npx sallyport mitm self-test --case ${one.id}`;
  const weak = await runMitm({ ...common, replay, sources: twinSources(options.lanes, true) });
  const strict = await runMitm({ ...common, replay, sources: twinSources(options.lanes, false) });
  const killRate = killRateOf(weak.report.cases);
  const notHeld = strict.report.cases.filter(
    ({ verdict }) => verdict !== "held" && verdict !== "not applicable",
  );
  return { report: { ...weak.report, killRate }, recordings: weak.recordings, killRate, notHeld };
}

function killRateOf(cases: readonly CaseReport[]): KillRate {
  const missed = cases.filter(({ verdict }) => verdict !== "broken").map(({ id }) => id);
  return { detected: cases.length - missed.length, total: cases.length, missed };
}

/** Twins of all three sides; weak ones are made for their case, and lack what it is there to find. */
function twinSources(lanes: number, weak: boolean): Source[] {
  const lacks = (one: Case): ReadonlySet<string> => new Set(weak ? [one.attack.defeats] : []);
  const kind = { lanes, perCase: weak, name: weak ? "a weak twin" : "a twin that keeps the rules" };
  return [
    gatewaySource({ ...kind, make: (pki, one) => twinGateway(pki, lacks(one)) }),
    deviceSource({ ...kind, make: async (pki, one) => await twinDevice(pki, lacks(one)) }),
    pairSource({ ...kind, make: (pki, one) => twinPair(pki, lacks(one)) }),
  ];
}
