import type { Attack, Side, Transport } from "../attack.ts";
import { MitmError } from "../errors.ts";

/** One attack over one transport: what is run, judged and reported on its own. */
export interface Case {
  /** "G-CERT-05/dtls" */
  readonly id: string;
  readonly attack: Attack;
  readonly transport: Transport;
}

/** The cases of a side, in the order of the catalogue. */
export function casesOf(catalogue: readonly Attack[], side: Side, transports: readonly Transport[]): Case[] {
  return catalogue
    .filter((attack) => attack.side === side)
    .flatMap((attack) =>
      attack.transports
        .filter((transport) => transports.includes(transport))
        .map((transport) => ({ id: `${attack.id}/${transport}`, attack, transport })),
    );
}

/**
 * Whether a case is among those asked for: by its id "G-CERT-05/dtls", its attack "G-CERT-05", or what these begin with,
 * "G-CERT" or "P-1*". None asked for: all.
 */
export function isWanted(one: Case, wanted: readonly string[]): boolean {
  return (
    wanted.length === 0 ||
    wanted.some((text) => {
      const name = text.toUpperCase();
      const id = one.id.toUpperCase();
      if (name.endsWith("*")) return id.startsWith(name.slice(0, -1));
      return id === name || one.attack.id.toUpperCase() === name || isRow(one.attack.id.toUpperCase(), name);
    })
  );
}

/** "D-CERT-10" stands for D-CERT-10a and D-CERT-10b, "D-CERT" for all of them, but "D-CERT-1" not for D-CERT-10. */
function isRow(id: string, name: string): boolean {
  return id.startsWith(name) && /^[A-Z]?$|^-/.test(id.slice(name.length));
}

/** @throws MitmError MITM_CASE_UNKNOWN naming what fits nothing */
export function assertKnown(cases: readonly Case[], wanted: readonly string[]): void {
  for (const text of wanted) {
    if (cases.some((one) => isWanted(one, [text]))) continue;
    throw new MitmError(
      "MITM_CASE_UNKNOWN",
      `no case of this target is called ${JSON.stringify(text)}: \`sallyport mitm list\` names them all; ` +
        "G-CERT is a group, G-CERT-0* whatever begins so",
    );
  }
}
