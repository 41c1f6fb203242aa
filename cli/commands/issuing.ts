import { relativeTime } from "../duration.ts";
import { type IssuingKeyOptions, openAuthorityWithoutKey } from "../open-authority.ts";
import { requireSecret } from "../secrets.ts";
import { stateFiles } from "../state-directory.ts";
import { dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface RenewOptions extends IssuingKeyOptions {
  readonly passphraseFile?: string;
  readonly days?: number;
}

export function addIssuing(program: VerbGroup): void {
  const issuing = program.group("issuing", "the issuing CA: renew");
  issuing.verb<RenewOptions>(
    {
      usage: "renew",
      summary: "give the issuing CA a new certificate, with the root's key",
      description:
        "Certifies the issuing CA's key again, so everything that it issued stays good. It needs root.key.pem in the " +
        "state directory, for as long as it takes, and its passphrase. Renew the gateway afterwards; devices get the new " +
        "certificate with their own renewal.",
      examples: [["issuing renew --passphrase-file root.pass", "then: gateway renew --keep-key"]],
    },
    (command) =>
      command
        .addOption(dirOption())
        .option("--passphrase-file <file>", "the file with the root key's passphrase")
        .option("--days <n>", "how long the certificate is good (default: 1826)", wholeNumber(1, 7305)),
    renew,
  );
}

async function renew(session: Session, options: RenewOptions): Promise<void> {
  // The issuing key itself stays closed: it is the root that signs.
  using authority = openAuthorityWithoutKey(session, options);
  const source = { what: "the root key", file: options.passphraseFile, option: "--passphrase-file" };
  const passphrase = await requireSecret(session, { ...source, variable: "SALLYPORT_ROOT_PASSPHRASE" });
  const { fingerprint, notAfter } = await authority.renewIssuing(passphrase, options.days);
  const file = stateFiles(options.dir).issuingCertificate;
  session.out.result({ file, fingerprint, notAfter: notAfter.toISOString() }, () => {
    session.out.say(file);
    session.out.say(`ends ${notAfter.toISOString()}, ${relativeTime(notAfter, session.io.now())}`);
    const dir = options.dir === "certs" ? "" : ` --dir ${options.dir}`;
    session.out.note(`next: npx sallyport gateway renew --keep-key${dir}`);
  });
}
