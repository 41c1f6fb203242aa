import type { ListOptions } from "../mitm/verbs/list.ts";
import type { VerbGroup } from "../verb.ts";

export function addMitmList(mitm: VerbGroup): void {
  mitm.verb<ListOptions>(
    {
      usage: "list",
      summary: "every attack that the lab knows",
      description:
        "Lists the catalogue: what the attacker does, whom it is aimed at, over which transports, and which rule it is about.",
      examples: [
        ["mitm list --side device", "what is tried on a device"],
        ["mitm list --json", "with the weakness that each finds, what to do about it, and its references"],
      ],
    },
    (command) =>
      command.addOption(
        command
          .createOption("--side <side>", "only what is aimed at this")
          .choices(["gateway", "device", "pair"]),
      ),
    async (session, options) => (await import("../mitm/verbs/list.ts")).list(session, options),
  );
}
