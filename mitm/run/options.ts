import type { Attack } from "../attack.ts";
import type { Patience } from "../lab/lab.ts";
import type { CaseReport } from "../report/run-report.ts";
import type { Case } from "./case.ts";
import type { Source } from "./sources.ts";

export interface RunOptions {
  readonly sources: readonly Source[];
  readonly catalogue: readonly Attack[];
  /** Ids, or what they begin with; empty: all. */
  readonly only?: readonly string[];
  /** The same seed makes the same decisions. */
  readonly seed: string;
  readonly patience: Patience;
  /** After this long a case is given up, ms. */
  readonly deadlineMs: number;
  /** Ends the run: what has not been tried is reported as not tried. */
  readonly signal: AbortSignal;
  readonly tool: { readonly name: string; readonly version: string };
  /** Command that makes this run again, and the one that runs one case of it again. */
  readonly command: string;
  readonly replay: (one: Case) => string;
  /** Told of each case as it ends, for progress. */
  readonly onCase?: (report: CaseReport, done: number, total: number) => void;
  readonly notes?: readonly string[];
}
