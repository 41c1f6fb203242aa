import { Inventory, readBoundedFile } from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { printable } from "../printable.ts";
import { openStateDirectory } from "../state-directory.ts";
import { dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface AuditOptions {
  readonly dir: string;
}

export function addAudit(program: VerbGroup): void {
  const audit = program.group("audit", "the record of everything the PKI was asked to do");
  audit.verb<AuditOptions & { head?: string }>(
    {
      usage: "verify",
      summary: "check that nobody edited the audit log",
      description:
        "Walks the hash chain of the audit log from its first entry and prints its head. Whoever can rewrite the whole " +
        "file can rewrite the whole chain: keep a head elsewhere now and then, and hand it back with --head.",
      examples: [
        ["audit verify", "check the chain"],
        ["audit verify --json > head.json", "keep the head, on another machine"],
        ["audit verify --head head.json", "check that the log still contains what it did then"],
      ],
    },
    (command) =>
      command
        .addOption(dirOption())
        .option("--head <file>", "a head noted earlier, as `audit verify --json` prints it"),
    verifyLog,
  );
  audit.verb<AuditOptions & { from?: number; to?: number }>(
    {
      usage: "export",
      summary: "print the audit log",
      description: "Prints each entry of the audit log, the oldest first; with --json as one JSON line each.",
      examples: [
        ["audit export --json > audit.jsonl", "hand the log to another system"],
        ["audit export --from 120", "what happened since entry 120"],
      ],
    },
    (command) =>
      command
        .addOption(dirOption())
        .option("--from <n>", "the first entry's number", wholeNumber(1, 1e12))
        .option("--to <n>", "the last entry's number", wholeNumber(1, 1e12)),
    exportLog,
  );
}

async function verifyLog({ out }: Session, options: AuditOptions & { head?: string }): Promise<void> {
  openStateDirectory(options.dir);
  using inventory = Inventory.open(options.dir, { readOnly: true });
  const known = options.head === undefined ? undefined : readHead(options.head);
  const { entries, head } = inventory.audit.verify(known);
  out.result({ verified: true, entries, head }, () => {
    out.say(`${out.style("green", "ok")}  ${entries} entries, none missing, none changed`);
    out.say(`head: ${head.seq} ${head.hash}`);
  });
}

async function exportLog(
  { out }: Session,
  options: AuditOptions & { from?: number; to?: number },
): Promise<void> {
  openStateDirectory(options.dir);
  using inventory = Inventory.open(options.dir, { readOnly: true });
  const { from, to } = options;
  for (const entry of inventory.audit.entries({ ...(from && { from }), ...(to && { to }) })) {
    const { seq, at, actor, action, subject, details } = entry;
    out.event(
      entry,
      `${seq}  ${at.toISOString()}  ${printable(`${actor}  ${action}  ${subject}  ${details}`)}`,
    );
  }
}

function readHead(path: string): { seq: number; hash: string } {
  const text = readBoundedFile(path).toString("utf8");
  try {
    const parsed: unknown = JSON.parse(text);
    const head = isObject(parsed) && isObject(parsed["head"]) ? parsed["head"] : parsed;
    if (isObject(head) && typeof head["seq"] === "number" && typeof head["hash"] === "string") {
      return { seq: head["seq"], hash: head["hash"] };
    }
  } catch {
    // Said below, as for any other text that is no head.
  }
  throw new CliError(
    "CLI_FILE_UNREADABLE",
    `${path} holds no head: make it with \`sallyport audit verify --json\``,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
