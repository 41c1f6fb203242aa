import { Inventory } from "../../pki/index.ts";
import {
  certificateDocument,
  certificateState,
  currentCertificate,
  standingOf,
} from "../certificate-state.ts";
import { relativeTime, shortTime } from "../duration.ts";
import { CliError } from "../errors.ts";
import { openStateDirectory } from "../state-directory.ts";
import { dirOption, type Session, type VerbGroup } from "../verb.ts";

interface ListOptions {
  readonly dir: string;
  readonly group?: string;
  readonly kind?: string;
}

export function addDeviceList(device: VerbGroup): void {
  device.verb<ListOptions>(
    {
      usage: "list",
      summary: "list devices and operators",
      description: "Lists what the inventory knows, with the state of the newest certificate of each.",
      examples: [
        ["device list", "everything"],
        ["device list --group greenhouse", "one group"],
        [
          "device list --json | jq -r '.devices[] | select(.certificate.state == \"expired\").id'",
          "what has expired",
        ],
      ],
    },
    (command) =>
      command
        .addOption(dirOption())
        .option("--group <group>", "only this group")
        .addOption(command.createOption("--kind <kind>", "only this kind").choices(["device", "operator"])),
    list,
  );
  device.verb<{ dir: string }>(
    {
      usage: "show <id>",
      summary: "show one device or operator and its certificates",
      description:
        "Shows what the inventory knows of one device or operator: its group, all of its certificates, and whether one " +
        "of them is good: `active`, or why it cannot connect (`standing` in --json).",
      examples: [
        ["device show thermometer-1", "for people"],
        ["device show thermometer-1 --json", "with whole fingerprints and times, for programs"],
      ],
    },
    (command) => command.addOption(dirOption()),
    show,
  );
}

async function list({ io, out }: Session, options: ListOptions): Promise<void> {
  openStateDirectory(options.dir);
  using inventory = Inventory.open(options.dir, { readOnly: true });
  const now = io.now();
  const { group } = options;
  const kind = options.kind === "device" || options.kind === "operator" ? options.kind : undefined;
  const devices = inventory.devices({ ...(group && { group }), ...(kind && { kind }) }).map((row) => {
    const certificates = inventory.certificatesOf(row.id, row.kind);
    const standing = standingOf(row, certificates, now);
    return { row, standing, certificate: currentCertificate(certificates, now) };
  });
  const document = devices.map(({ row, standing, certificate }) => ({
    ...row,
    standing,
    certificate: certificate && certificateDocument(certificate, now),
  }));
  out.result({ devices: document }, () => {
    if (devices.length === 0)
      return out.say("nothing here yet: `sallyport device add <id>` makes the first device");
    out.table(
      ["ID", "KIND", "GROUP", "CERTIFICATE", "ENDS"],
      devices.map(({ row, certificate }) => [
        row.id,
        row.status === "active" ? row.kind : `${row.kind} (${row.status})`,
        row.group ?? "",
        certificate === undefined ? "none" : certificateState(certificate, now),
        certificate === undefined ? "" : relativeTime(certificate.notAfter, now),
      ]),
    );
  });
}

async function show({ io, out }: Session, options: { dir: string }, [id = ""]: string[]): Promise<void> {
  openStateDirectory(options.dir);
  using inventory = Inventory.open(options.dir, { readOnly: true });
  const now = io.now();
  const row = inventory.device(id);
  if (row === undefined) throw unknownDevice(id);
  const certificates = inventory.certificatesOf(id, row.kind);
  const standing = standingOf(row, certificates, now);
  const documents = certificates.map((item) => certificateDocument(item, now));
  out.result({ ...row, standing, certificates: documents }, () => {
    const group = row.group ? `, group ${row.group}` : "";
    out.say(`${row.kind} ${out.style("bold", row.id)}, ${standing}${group}`);
    if (standing !== row.status) out.say("it cannot connect: no certificate of it is good");
    out.say(`added ${shortTime(row.createdAt)}`);
    out.say();
    out.table(
      ["SERIAL", "STATE", "FROM", "TO", "SHA-256"],
      certificates.map((item) => [
        item.serialNumber,
        item.revokedAt
          ? `revoked ${shortTime(item.revokedAt)} (${item.revocationReason})`
          : certificateState(item, now),
        shortTime(item.notBefore),
        shortTime(item.notAfter),
        `${item.fingerprint.slice(0, 16)}…`,
      ]),
    );
  });
}

export function unknownDevice(id: string): CliError {
  return new CliError(
    "CLI_UNKNOWN_DEVICE",
    `no device or operator ${JSON.stringify(id)} in the inventory: \`sallyport device list\` shows them, \`device add\` makes one`,
  );
}
