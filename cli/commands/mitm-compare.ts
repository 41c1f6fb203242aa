import type { VerbGroup } from "../verb.ts";

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
    async (session, options, args) =>
      (await import("../mitm/verbs/compare.ts")).compare(session, options, args),
  );
}
