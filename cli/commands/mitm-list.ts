import { catalogue, weaknesses } from "../../mitm/index.ts";
import type { Session, VerbGroup } from "../verb.ts";

interface ListOptions {
  readonly side?: string;
}

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
    list,
  );
}

async function list({ out }: Session, { side }: ListOptions): Promise<void> {
  const attacks = catalogue.filter((attack) => side === undefined || attack.side === side);
  const document = attacks.map(({ id, title, side, transports, severity, defeats, reference }) => ({
    id,
    title,
    side,
    transports,
    severity,
    weakness: { name: defeats, ...weaknesses[defeats] },
    reference,
  }));
  out.result(document, () => {
    out.table(
      ["id", "against", "over", "what the attacker does", "rule"],
      attacks.map(({ id, side, transports, title, reference }) => [
        id,
        side,
        transports.join(", "),
        title,
        reference.rfc.join("; "),
      ]),
    );
    const cases = attacks.reduce((sum, { transports }) => sum + transports.length, 0);
    out.say(`${attacks.length} attacks, ${cases} cases`);
  });
}
