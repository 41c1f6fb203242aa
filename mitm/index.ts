/**
 * The man-in-the-middle lab: attacks on a gateway, a device, and the path between them, with verdicts that need
 * evidence.
 *
 *     const { report } = await runMitm({ sources: [gatewaySource({ … })], catalogue, … });
 *
 * An attack is a file of `catalogue/`; docs/guides/add-an-attack.md says how to write one.
 */

export {
  type Attack,
  broken,
  type DeviceAttack,
  deviceAttack,
  type Finding,
  type GatewayAttack,
  gatewayAttack,
  held,
  inconclusive,
  type PairAttack,
  pairAttack,
  type Reference,
  type Severity,
  type Side,
  type Transport,
} from "./attack.ts";
export { catalogue } from "./catalogue/index.ts";
export type { Address, Credential } from "./endpoint.ts";
export { MitmError, type MitmErrorCode, mitmErrors, NotApplicable, NotDelivered } from "./errors.ts";
export { Door, type DoorOptions } from "./lab/door.ts";
export type { Patience } from "./lab/lab.ts";
export { Forge } from "./mint/forge.ts";
export { type KeptPki, LabPki } from "./mint/lab-pki.ts";
export { assertBundlePlace, readBundle, writeBundle } from "./record/bundle.ts";
export type { Recording } from "./record/recorder.ts";
export { compareRuns, comparisonToLines, isWorse } from "./report/compare.ts";
export { runToHtml } from "./report/html.ts";
export { runToJunit } from "./report/junit.ts";
export type { CaseReport, KillRate, RunReport, Verdict } from "./report/run-report.ts";
export { runToSarif } from "./report/sarif.ts";
export { runToLines } from "./report/terminal.ts";
export type { Case } from "./run/case.ts";
export { deviceSource, gatewaySource, localNames, pairSource } from "./run/lab-sources.ts";
export type { RunOptions } from "./run/options.ts";
export { type RunResult, runMitm, wantedCases } from "./run/run.ts";
export { type SelfTestResult, selfTest } from "./run/self-test.ts";
export type { DeviceSource, GatewaySource, PairSource, Source } from "./run/sources.ts";
export type {
  Application,
  DeviceAccount,
  DeviceAttempt,
  DeviceTarget,
  DialOptions,
  GatewayTarget,
  PairSession,
  PairTarget,
} from "./targets.ts";
export { makeAccounts, makeOperator } from "./twins/accounts.ts";
export { aboutWeakness, type Weakness, weaknesses } from "./weaknesses/index.ts";
