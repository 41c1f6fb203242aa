import { aboutWeakness, catalogue } from "../../../mitm/index.ts";
import type { Session } from "../../verb.ts";

export interface ListOptions {
  readonly side?: string;
}

export async function list({ out }: Session, { side }: ListOptions): Promise<void> {
  const attacks = catalogue.filter((attack) => side === undefined || attack.side === side);
  const document = attacks.map(({ id, title, side, transports, severity, defeats, reference }) => ({
    id,
    title,
    side,
    transports,
    severity,
    weakness: aboutWeakness(defeats),
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
