import { compareRuns, comparisonToLines, isWorse, readBundle } from "../../mitm/index.ts";
import { ExitCode } from "../errors.ts";
import type { Session, VerbGroup } from "../verb.ts";

export function addMitmCompare(mitm: VerbGroup): void {
  mitm.verb(
    {
      usage: "compare <earlier> <later>",
      summary: "what changed between two runs, from their evidence",
      description:
        "Compares the evidence of two runs, as --bundle wrote it: what is newly broken, what is fixed, what changed " +
        "otherwise. Exits with 1 when something is broken that was not known to be.",
      examples: [["mitm compare evidence-1.3 evidence-1.4", "after a release"]],
    },
    () => undefined,
    compare,
  );
}

async function compare(
  { out }: Session,
  _options: object,
  [earlier = "", later = ""]: string[],
): Promise<ExitCode> {
  const comparison = compareRuns(readBundle(earlier), readBundle(later));
  out.result(comparison, () => {
    for (const line of comparisonToLines(comparison)) out.say(line);
  });
  return isWorse(comparison) ? ExitCode.failure : ExitCode.ok;
}
