import { type IssueOptions, issueOptions } from "../issue-options.ts";
import { provision } from "../provision.ts";
import type { VerbGroup } from "../verb.ts";
import { assignmentOf, sayProvisioned } from "./device-add.ts";

export function addOperator(program: VerbGroup): void {
  const operator = program.group("operator", "people and programs that talk to many devices");
  operator.verb<IssueOptions & { group?: string }>(
    {
      usage: "add <name>",
      summary: "give an operator a key and a certificate",
      description:
        "Does for an operator what `device add` does for a device: the certificate is of the operators' profile, and the " +
        "operators' part of access.json says what it may do. `device list`, `show`, `renew` and `revoke` take operators too.",
      examples: [
        ["operator add alice", "into certs/devices/"],
        ["operator add backend --out ./backend --days 30", "a program, for a month"],
      ],
    },
    (command) => {
      issueOptions(command);
      command.option("--group <group>", "the group whose topics the operator gets beside its own");
    },
    async (session, options, args) => {
      const assignment = await assignmentOf(session, options, "operator", args);
      using authority = assignment.authority;
      void authority;
      sayProvisioned(session, options, await provision(assignment, args));
    },
  );
}
