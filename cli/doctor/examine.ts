import { describeFailure } from "../errors.ts";
import { isInitialised, lostFile, type StateFiles, stateFiles } from "../state-directory.ts";
import { examineBroker } from "./broker.ts";
import {
  examineCrl,
  examineGatewayCertificate,
  examineGatewayKey,
  examineIssuingCertificate,
  examineRootCertificate,
} from "./certificates.ts";
import { examineAccess, examineSettings } from "./configuration.ts";
import { examineInventory } from "./inventory.ts";
import { examineIssuingKey, examineLeftovers, examineModes, examineRootKey } from "./keys.ts";
import { examineDisk, examineNode } from "./machine.ts";

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly level: "ok" | "warning" | "error";
  /** What was looked at: stable, for programs. */
  readonly check: string;
  readonly message: string;
  /** What to do about it. */
  readonly next?: string;
}

/** One check; `check` names its findings when it throws. */
interface Check {
  readonly check: string;
  readonly run: (files: StateFiles, now: Date) => Finding[];
}

const checks: readonly Check[] = [
  { check: "key-modes", run: examineModes },
  { check: "leftover-keys", run: examineLeftovers },
  { check: "root-key", run: examineRootKey },
  { check: "issuing-key", run: examineIssuingKey },
  { check: "root-certificate", run: examineRootCertificate },
  { check: "issuing-certificate", run: examineIssuingCertificate },
  { check: "gateway-certificate", run: examineGatewayCertificate },
  { check: "gateway-key", run: examineGatewayKey },
  { check: "crl", run: examineCrl },
  { check: "inventory", run: examineInventory },
  { check: "broker-state", run: examineBroker },
  { check: "settings", run: examineSettings },
  { check: "access", run: examineAccess },
  { check: "disk", run: examineDisk },
];

/** Everything `doctor` can say about a state directory. Reads only. */
export function examine(directory: string, now: Date): Finding[] {
  const findings = examineNode();
  if (!isInitialised(directory)) {
    const lost = lostFile(directory);
    const next =
      lost === undefined
        ? "`sallyport init` or `sallyport start` makes one; --dir names another directory"
        : `${lost} is missing: restore it from a backup`;
    return [
      ...findings,
      {
        level: "error",
        check: "directory",
        message: `there is no ${lost === undefined ? "" : "whole "}PKI in ${directory}`,
        next,
      },
    ];
  }
  const files = stateFiles(directory);
  return findings.concat(checks.flatMap((check) => runCheck(check, files, now)));
}

/** A check that cannot even look has found something. */
function runCheck({ check, run }: Check, files: StateFiles, now: Date): Finding[] {
  try {
    return run(files, now);
  } catch (error) {
    return [{ level: "error", check, message: describeFailure(error).message }];
  }
}
