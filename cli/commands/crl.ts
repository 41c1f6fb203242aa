import { decodePem, parseCertificateList, readBoundedFile } from "../../pki/index.ts";
import { issuingPassphraseOption } from "../issue-options.ts";
import { type IssuingKeyOptions, openAuthorityToSign } from "../open-authority.ts";
import { requireSecret } from "../secrets.ts";
import { stateFiles } from "../state-directory.ts";
import { dirOption, type Session, type VerbGroup } from "../verb.ts";

interface CrlOptions extends IssuingKeyOptions {
  readonly root?: boolean;
  readonly passphraseFile?: string;
}

export function addCrl(program: VerbGroup): void {
  program.verb<CrlOptions>(
    {
      usage: "crl",
      summary: "write fresh revocation lists",
      description:
        "Signs a new certificate revocation list of the issuing CA into crl.pem, for programs that want one. The gateway " +
        "asks the inventory and needs none. The root's list is good for a year; --root renews it, with the root's key.",
      examples: [
        ["crl", "refresh certs/crl.pem"],
        ["crl --root --passphrase-file root.pass", "the root's list too"],
      ],
    },
    (command) => {
      command
        .addOption(dirOption())
        .option("--root", "sign the root's list too")
        .option("--passphrase-file <file>", "the file with the root key's passphrase, for --root");
      issuingPassphraseOption(command);
    },
    refresh,
  );
}

async function refresh(session: Session, options: CrlOptions): Promise<void> {
  using authority = await openAuthorityToSign(session, options);
  await authority.writeCrl();
  if (options.root === true) {
    const source = { what: "the root key", file: options.passphraseFile, option: "--passphrase-file" };
    await authority.writeRootCrl(
      await requireSecret(session, { ...source, variable: "SALLYPORT_ROOT_PASSPHRASE" }),
    );
  }
  const file = stateFiles(options.dir).crl;
  const lists = decodePem(readBoundedFile(file).toString("utf8"), "X509 CRL").map(({ der }) =>
    parseCertificateList(der),
  );
  const document = lists.map(({ issuer, thisUpdate, nextUpdate, revoked }) => {
    return { issuer: issuer.toString(), thisUpdate, nextUpdate, revoked: revoked.size };
  });
  session.out.result({ file, lists: document }, () => {
    session.out.say(file);
    session.out.table(
      ["ISSUER", "REVOKED", "NEXT UPDATE DUE"],
      document.map((list) => [list.issuer, String(list.revoked), list.nextUpdate?.toISOString() ?? "never"]),
    );
  });
}
