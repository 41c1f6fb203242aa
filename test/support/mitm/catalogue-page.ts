/*
 * docs/reference/mitm.md, from the catalogue. `node test/support/mitm/catalogue-page.ts --write` writes it anew.
 */
import { writeFileSync } from "node:fs";
import type { Attack, Reference, Side } from "../../../mitm/attack.ts";
import { catalogue } from "../../../mitm/catalogue/index.ts";
import { aboutWeakness } from "../../../mitm/weaknesses/index.ts";

export const cataloguePagePath = new URL("../../../docs/reference/mitm.md", import.meta.url);

const sides: ReadonlyArray<readonly [Side, string]> = [
  ["gateway", "At the gateway"],
  ["device", "At the device"],
  ["pair", "On the path between a pair"],
];

export function cataloguePage(): string {
  const cases = catalogue.reduce((sum, { transports }) => sum + transports.length, 0);
  return [
    "# The catalogue of the lab",
    "",
    `${catalogue.length} attacks, ${cases} cases: an attack over one transport is a case. \`sallyport mitm list\` prints the same.`,
    "An id is a row of the catalogue, with a letter where it is tried in several ways. The weakness is what a target has whose",
    "verdict is `broken`; what each means, and what to do about it, is below.",
    ...sides.flatMap(([side, title]) => [
      "",
      `## ${title}`,
      "| id | over | what the attacker does | weakness | rules |",
      "|---|---|---|---|---|",
      ...catalogue.filter((attack) => attack.side === side).map(row),
    ]),
    "",
    "## Weaknesses",
    "| weakness | what is wrong | what to do |",
    "|---|---|---|",
    ...[...new Set(catalogue.map(({ defeats }) => defeats))]
      .toSorted()
      .map((name) => aboutWeakness(name))
      .map(({ name, what, remedy }) => `| \`${name}\` | ${cell(what)} | ${cell(remedy)} |`),
    "",
  ].join("\n");
}

function row({ id, transports, title, defeats, reference }: Attack): string {
  return `| ${id} | ${transports.join(", ")} | ${cell(title)} | \`${defeats}\` | ${cell(rulesOf(reference))} |`;
}

function rulesOf({ rfc, cwe, en303645 = [], cra = [], also = [] }: Reference): string {
  return [
    ...rfc,
    ...cwe.map((id) => `CWE-${id}`),
    ...en303645.map((id) => `EN 303 645 ${id}`),
    ...cra.map((id) => `CRA ${id}`),
    ...also,
  ].join("; ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (process.argv[1] === import.meta.filename && process.argv.includes("--write")) {
  writeFileSync(cataloguePagePath, cataloguePage());
}
