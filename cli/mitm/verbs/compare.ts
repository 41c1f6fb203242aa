import { compareRuns, comparisonToLines, isWorse, readBundle } from "../../../mitm/index.ts";
import { ExitCode } from "../../errors.ts";
import type { Session } from "../../verb.ts";

export async function compare(
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
