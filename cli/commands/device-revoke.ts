import type { Authority } from "../../pki/authority/index.ts";
import { type CertificateRow, isRevocationReason, revocationReasons } from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { issuingPassphraseOption } from "../issue-options.ts";
import { openAuthorityWithoutKey } from "../open-authority.ts";
import { dirOption, type Session, type VerbGroup } from "../verb.ts";
import { unknownDevice } from "./device-list.ts";

interface RevokeOptions {
  readonly dir: string;
  readonly reason: string;
  readonly certificate?: string;
  readonly issuingPassphraseFile?: string;
}

const shortestPrefix = 8;

export function addDeviceRevoke(device: VerbGroup): void {
  device.verb<RevokeOptions>(
    {
      usage: "revoke <id...>",
      summary: "revoke the certificates of devices or operators, for good",
      description:
        "Revokes every certificate of a device or operator that is not revoked yet, or the one that --certificate names. " +
        "It is final and needs no passphrase. A running gateway ends the live session within a second. A fresh crl.pem is " +
        "signed too, when the issuing CA's key can be opened.",
      examples: [
        ["device revoke pump-1 --reason keyCompromise", "the key leaked: it is never accepted again"],
        [
          "device revoke pump-2 --certificate 3f9a1c…",
          "one certificate of several, by its SHA-256 as `device show` has it",
        ],
      ],
    },
    (command) => {
      command
        .addOption(dirOption())
        .addOption(
          command
            .createOption("--reason <reason>", "why (RFC 5280 §5.3.1)")
            .choices(Object.keys(revocationReasons))
            .default("unspecified"),
        )
        .option("--certificate <sha256>", "only the certificate whose SHA-256 begins like this");
      issuingPassphraseOption(command);
    },
    revoke,
  );
}

async function revoke(session: Session, options: RevokeOptions, ids: string[]): Promise<void> {
  const { out } = session;
  const reason = isRevocationReason(options.reason) ? options.reason : "unspecified";
  using authority = openAuthorityWithoutKey(session, options);
  const targets = ids.map((id) => ({ id, only: certificatesOf(authority, id, options) }));
  const revoked: CertificateRow[] = [];
  let crlError: string | undefined;
  for (const { id, only } of targets) {
    const result = await authority.revoke({
      id,
      reason,
      ...(only === undefined ? {} : { fingerprint: only }),
    });
    revoked.push(...result.revoked);
    crlError = result.crlError?.message;
  }
  const document = revoked.map((row) => ({ id: row.identityId, fingerprint: row.fingerprint, reason }));
  out.result({ revoked: document, ...(crlError === undefined ? {} : { crlError }) }, () => {
    if (revoked.length === 0) out.say("nothing to revoke: all of it was revoked before");
    for (const row of revoked)
      out.say(`revoked ${row.identityId}  ${row.fingerprint.slice(0, 16)}…  (${reason})`);
  });
  if (crlError !== undefined)
    out.note(`crl.pem is not up to date, \`sallyport crl\` makes it so: ${crlError}`);
}

/** The fingerprint that `--certificate` means, or undefined for all of them. */
function certificatesOf(
  authority: Authority,
  id: string,
  { certificate }: RevokeOptions,
): string | undefined {
  const row = authority.inventory.device(id);
  if (row === undefined) throw unknownDevice(id);
  if (certificate === undefined) return undefined;
  const prefix = certificate.toLowerCase().replace(/[:…]/g, "");
  const found = authority.inventory
    .certificatesOf(id, row.kind)
    .filter(({ fingerprint }) => fingerprint.startsWith(prefix));
  const [only] = found;
  if (only !== undefined && found.length === 1 && prefix.length >= shortestPrefix) return only.fingerprint;
  throw new CliError(
    "CLI_UNKNOWN_DEVICE",
    `${found.length} certificates of ${id} begin with ${JSON.stringify(certificate)}: give ${shortestPrefix} or more digits as \`device show ${id}\` has them`,
  );
}
