import { defaultJobs, labOptions } from "../mitm/lab-options.ts";
import type { OwnOptions } from "../mitm/verbs/own.ts";
import { type VerbGroup, wholeNumber } from "../verb.ts";

export function addMitmOwn(mitm: VerbGroup): void {
  mitm.verb<OwnOptions>(
    {
      usage: "own",
      summary: "the whole catalogue against Sallyport's own gateway, device client, and the path between",
      description:
        "Starts gateways and device clients of Sallyport on free loopback ports, on lab CAs that live in memory, and " +
        "tries every attack of the catalogue on them. Exits with 0 when every case held, 1 when one was broken, and 6 when " +
        "one could not be judged.",
      examples: [
        ["mitm own", "in this terminal"],
        ["mitm own --junit mitm.xml --bundle evidence", "in a pipeline"],
        ["mitm own --case U-07", "one attack, wherever it applies"],
      ],
    },
    (command) =>
      labOptions(command).option(
        "--jobs <n>",
        "how many targets to attack beside each other",
        wholeNumber(1, 64),
        defaultJobs,
      ),
    async (session, options) => (await import("../mitm/verbs/own.ts")).own(session, options),
  );
}
