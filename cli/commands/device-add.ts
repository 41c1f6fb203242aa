import { numberedIds } from "../../pki/authority/index.ts";
import { CliError } from "../errors.ts";
import { type IssueOptions, issueOptions, readIssueOptions } from "../issue-options.ts";
import { openAuthorityToSign } from "../open-authority.ts";
import { type Assignment, type Provisioned, provision, provisionBatch } from "../provision.ts";
import { stateFiles } from "../state-directory.ts";
import { type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface AddOptions extends IssueOptions {
  readonly group?: string;
  readonly count?: number;
  readonly prefix?: string;
}

const largestBatch = 1_000_000;

export function addDeviceAdd(device: VerbGroup): void {
  device.verb<AddOptions>(
    {
      usage: "add [id...]",
      summary: "give devices a key and a certificate each",
      description:
        "Makes a key and a certificate for each device (or, with --csr, a certificate for a key that the device made), " +
        "and leaves <id>.key.pem, <id>.cert.pem (with the issuing CA behind it) and ca.pem, ready for any MQTT client. " +
        "With --count and --prefix it makes many; interrupted, the same command goes on where it stopped.",
      examples: [
        ["device add thermometer-1", "into certs/devices/"],
        ["device add pump-1 pump-2 --out ./d --group pumps", "two devices of a group, into ./d"],
        ["device add pump-3 --csr pump-3.csr.pem", "the key stays where it was made"],
        ["device add camera-1 --key rsa:2048 --format p12 --p12-passphrase-file p12.pass", "RSA, as PKCS#12"],
        ["device add --count 10000 --prefix sensor-", "sensor-00001 to sensor-10000"],
      ],
    },
    (command) => {
      issueOptions(command);
      command
        .option("--group <group>", "the group whose topics the devices get beside their own")
        .option("--count <n>", "make this many, numbered after --prefix", wholeNumber(1, largestBatch))
        .option("--prefix <text>", "what the ids of --count begin with");
    },
    add,
  );
}

async function add(session: Session, options: AddOptions, args: string[]): Promise<void> {
  const ids = idsOf(options, args);
  const assignment = await assignmentOf(session, options, "device", ids);
  using authority = assignment.authority;
  void authority;
  if (options.count === undefined) return sayProvisioned(session, options, await provision(assignment, ids));
  const { out } = session;
  const progress = out.progress(ids.length, "certificates");
  try {
    const batch = await provisionBatch(assignment, ids, (count) => progress.advance(count));
    progress.end();
    const { directory } = assignment.place;
    out.result({ ...batch, directory, first: ids[0], last: ids.at(-1) }, () => {
      out.say(`${batch.made} devices made in ${directory}: ${ids[0]} to ${ids.at(-1)}`);
      if (batch.already > 0) out.say(`${batch.already} of them were there already`);
    });
  } finally {
    progress.end();
  }
}

/** What `device add` and `operator add` have in common. */
export async function assignmentOf(
  session: Session,
  options: IssueOptions & { readonly group?: string },
  kind: "device" | "operator",
  ids: readonly string[],
): Promise<Assignment> {
  // An empty variable of a script's: without its group, a device has fewer topics than was meant.
  if (options.group === "")
    throw new CliError("CLI_USAGE", "--group is empty: name a group, or leave it out");
  const p12Passphrase = await readIssueOptions(session, options, ids);
  const authority = await openAuthorityToSign(session, options);
  const directory = options.out ?? stateFiles(options.dir).devices;
  const place = { directory, format: options.format, p12Passphrase, force: options.force === true };
  return { authority, kind, group: options.group, place, options };
}

export function sayProvisioned(
  { out }: Session,
  options: IssueOptions,
  issued: readonly Provisioned[],
): void {
  out.result({ issued }, () => {
    for (const { files } of issued) {
      for (const file of files) out.say(file);
    }
    const [first] = issued;
    if (first === undefined || options.format === "p12") return;
    if (options.csr !== undefined) {
      out.note(`next: copy them to where the key of ${first.id} is; it connects with all three`);
      return;
    }
    const dir = options.dir === "certs" ? "" : ` --dir ${options.dir}`;
    const where = options.out === undefined ? dir : ` --identity ${options.out}`;
    const what =
      first.kind === "device"
        ? `--publish devices/${first.id}/up/hello --message hello`
        : "--subscribe 'devices/#'";
    out.note(`next: npx sallyport connect ${first.id}${where} ${what}`);
  });
}

function idsOf({ count, prefix }: AddOptions, args: readonly string[]): string[] {
  if ((count === undefined) !== (prefix === undefined)) {
    throw new CliError("CLI_USAGE", "--count and --prefix go together: --count 100 --prefix sensor-");
  }
  if (count !== undefined && prefix !== undefined) {
    if (args.length > 0)
      throw new CliError("CLI_USAGE", "name the devices or give --count and --prefix, not both");
    return numberedIds(prefix, count);
  }
  if (args.length === 0) throw new CliError("CLI_USAGE", "name the devices, or give --count and --prefix");
  if (new Set(args).size !== args.length) throw new CliError("CLI_USAGE", "an id is named twice");
  return [...args];
}
