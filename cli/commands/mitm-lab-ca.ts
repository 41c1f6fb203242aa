import type { LabCaVerbOptions } from "../mitm/verbs/lab-ca.ts";
import { collectServerNames, type VerbGroup, wholeNumber } from "../verb.ts";

export function addMitmLabCa(mitm: VerbGroup): void {
  mitm.verb<LabCaVerbOptions>(
    {
      usage: "lab-ca <dir>",
      summary: "make a CA for a gateway or a device to trust while it is attacked",
      description:
        "Makes a CA whose only use is the lab, with a gateway's and a device's certificate for the target to run with. Put " +
        "its ca.pem into a target that may be attacked, never into one in production: its keys are there to be misused.",
      examples: [
        ["mitm lab-ca lab", "for a gateway or a device on this machine"],
        ["mitm lab-ca lab --name gw.local --name 192.168.7.1", "by the names that the device dials"],
      ],
    },
    (command) =>
      command
        .option(
          "--name <name>",
          "a name or address of the gateway (may be repeated; default: localhost, 127.0.0.1)",
          collectServerNames,
        )
        .option("--days <n>", "how long it is good for", wholeNumber(1, 365), 30),
    async (session, options, args) => (await import("../mitm/verbs/lab-ca.ts")).make(session, options, args),
  );
}
