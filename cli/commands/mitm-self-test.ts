import { caseOptions, defaultJobs } from "../mitm/lab-options.ts";
import type { SelfTestOptions } from "../mitm/verbs/self-test.ts";
import { type VerbGroup, wholeNumber } from "../verb.ts";

export function addMitmSelfTest(mitm: VerbGroup): void {
  mitm.verb<SelfTestOptions>(
    {
      usage: "self-test",
      summary: "whether the lab finds what it is there to find, and cries wolf at nothing",
      description:
        "Runs each case against a twin of the gateway, device or pair that lacks just the one check which the case is there " +
        "to find, and must be told broken: the share that is found is the kill rate. Then it runs each case against a twin " +
        "that keeps every rule, and each must be told held. Exits with 0 when both are so.",
      examples: [["mitm self-test", "all cases"]],
    },
    (command) => {
      caseOptions(command).option(
        "--jobs <n>",
        "how many twins beside each other",
        wholeNumber(1, 64),
        defaultJobs,
      );
    },
    async (session, options) => (await import("../mitm/verbs/self-test.ts")).test(session, options),
  );
}
