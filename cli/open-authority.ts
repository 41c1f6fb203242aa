import { type Authority, openAuthority } from "../pki/authority/index.ts";
import { readBoundedFile } from "../pki/index.ts";
import { givenSecret, requireSecret } from "./secrets.ts";
import { openStateDirectory } from "./state-directory.ts";
import type { Session } from "./verb.ts";

export interface IssuingKeyOptions {
  readonly dir: string;
  readonly issuingPassphraseFile?: string;
}

/** Opens the issuing CA of a state directory to sign with it; asks for its key's passphrase only when it has one. */
export async function openAuthorityToSign(session: Session, options: IssuingKeyOptions): Promise<Authority> {
  const { issuingKey } = openStateDirectory(options.dir);
  // A key that is missing or unreadable is reported when it is used, by those who know what to say about it.
  const passphrase = isEncrypted(issuingKey)
    ? await requireSecret(session, issuingSource(options))
    : undefined;
  return open(session, options, passphrase);
}

/** Opens it for what does not need the issuing key, or must not wait for its passphrase, such as revoking. */
export function openAuthorityWithoutKey(session: Session, options: IssuingKeyOptions): Authority {
  openStateDirectory(options.dir);
  return open(session, options, givenSecret(session, issuingSource(options)));
}

function open({ io }: Session, { dir }: IssuingKeyOptions, passphrase: string | undefined): Authority {
  return openAuthority(dir, { now: io.now, ...(passphrase !== undefined && { passphrase }) });
}

function issuingSource({ issuingPassphraseFile: file }: IssuingKeyOptions) {
  return {
    what: "the issuing CA's key",
    file,
    option: "--issuing-passphrase-file",
    variable: "SALLYPORT_ISSUING_PASSPHRASE",
  };
}

function isEncrypted(path: string): boolean {
  try {
    return readBoundedFile(path).toString("utf8").includes("ENCRYPTED PRIVATE KEY");
  } catch {
    return false;
  }
}
