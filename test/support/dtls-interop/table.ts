import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Cell, cells, type Row, rows } from "./cells.ts";
import { features, nameOf } from "./features.ts";
import { type OurRole, type PeerName, peerNames } from "./names.ts";

/*
 * docs/reference/dtls-interop.md, out of the lists that the tests run.
 *     node test/support/dtls-interop/table.ts --write
 */

export function tableText(): string {
  const reasons: string[] = [];
  const suites = [header(["Credential", "Cipher suite", ...peerNames])];
  for (const row of rows) {
    const marks = peerNames.map((peer) => suiteMark(peer, row, reasons));
    suites.push(line([row.credential, `\`${row.suite.name}\``, ...marks]));
  }
  const others = [header(["What", ...peerNames])];
  for (const feature of features) {
    const marks = peerNames.map((peer) =>
      mark(feature.clients.includes(peer), feature.servers.includes(peer)),
    );
    others.push(line([nameOf(feature), ...marks]));
  }
  const run = cells.filter(({ cannot }) => cannot === undefined).length;
  const pairs = features.reduce((sum, { clients, servers }) => sum + clients.length + servers.length, 0);
  return `${introduction}
## Cipher suites

${run} pairings complete. ${cells.length - run} cannot; they are tried all the same, and a test fails when one completes.

${suites.join("\n")}

Nobody here has ${listed(rows.filter((row) => !cells.some((cell) => isOf(row, cell) && cell.cannot === undefined)))}.

Why the others cannot be:

${reasons.map((reason, index) => `${index + 1}. ${reason}`).join("\n")}

## Beyond the suites

${pairs} tests. An empty cell: the program has no way to ask for this, or it says nothing about it. None of them knows
the return routability check of RFC 9853.

${others.join("\n")}
`;
}

const introduction = `<!-- Written by \`node test/support/dtls-interop/table.ts --write\`; a test compares. -->
# DTLS with other implementations

Each mark below is a test in \`test/interop\`, which runs an independent program against our stack on loopback: both
sides authenticate, agree on the suite that the test names, and messages pass both ways. With certificates both sides
show one and verify the other's.

- **S**: our server, their client. **C**: our client, their server.
- *P-256, P-384, RSA, Ed25519* are certificates with such a key (RSA: 2048 bits), on both sides. *raw public key*: a
  P-256 key after RFC 7250, on both sides. *PSK*: a pre-shared key.
- The programs are those of Debian 12: \`openssl s_client\` and \`s_server\`; \`gnutls-cli\` and \`gnutls-serv\`; libcoap's
  clients and servers, which carry CoAP; small C programs of ours (\`test/support/dtls-peers\`) on Mbed TLS and wolfSSL.
  OpenSSL 3.5 is the library of Debian 13 in such a C program. "Of sid" are the libraries of Debian's unstable
  release, which have connection IDs: Mbed TLS 3.6.7 and wolfSSL 5.9.2 when this was last looked at.
  Erlang is a script of ours on its ssl application. node-dtls-client comes from npm and is a client only.
- On a machine that lacks a program its tests are skipped, with the reason in their titles.
`;

function suiteMark(peer: PeerName, row: Row, reasons: string[]): string {
  const [server, client] = (["server", "client"] as const).map((role) =>
    roleMark(cellOf(peer, role, row), reasons),
  );
  return server === client ? (server ?? "") : `${server} ${client}`;
}

function roleMark({ role, cannot }: Cell, reasons: string[]): string {
  if (cannot === undefined) return role === "server" ? "S" : "C";
  if (!reasons.includes(cannot)) reasons.push(cannot);
  return `[${reasons.indexOf(cannot) + 1}]`;
}

function cellOf(peer: PeerName, role: OurRole, row: Row): Cell {
  const found = cells.find(
    (cell) =>
      cell.peer === peer &&
      cell.role === role &&
      cell.suite === row.suite &&
      cell.credential === row.credential,
  );
  if (found === undefined) throw new Error("unreachable: every row has a cell for every peer and role");
  return found;
}

function isOf(row: Row, cell: Cell): boolean {
  return cell.suite === row.suite && cell.credential === row.credential;
}

function listed(without: readonly Row[]): string {
  return without.map(({ suite }) => `\`${suite.name}\``).join(", ");
}

function mark(server: boolean, client: boolean): string {
  return [server ? "S" : "", client ? "C" : ""].filter((letter) => letter !== "").join(" ");
}

function header(names: readonly string[]): string {
  return `${line(names)}\n${line(names.map(() => "---"))}`;
}

function line(texts: readonly string[]): string {
  return `| ${texts.join(" | ")} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes("--write")) {
  writeFileSync(new URL("../../../docs/reference/dtls-interop.md", import.meta.url), tableText());
}
