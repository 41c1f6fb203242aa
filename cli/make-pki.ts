import { type Command, InvalidArgumentError } from "commander";
import { type CreatedAuthority, createAuthority, importAuthority } from "../pki/authority/index.ts";
import {
  isValidTrustDomain,
  type KeyAlgorithm,
  keyAlgorithms,
  readBoundedFile,
  writeFileAtomic,
} from "../pki/index.ts";
import { defaultAccessText } from "./access-file.ts";
import { CliError } from "./errors.ts";
import { givenSecret, makePassphrase, requireSecret } from "./secrets.ts";
import { isInitialised, stateFiles } from "./state-directory.ts";
import { collectServerNames, type Session } from "./verb.ts";

/** Options of the verbs that make a PKI. */
export interface PkiOptions {
  readonly dir: string;
  readonly passphraseFile?: string;
  readonly issuingPassphraseFile?: string;
  readonly importCa?: string;
  readonly importPassphraseFile?: string;
  readonly key: KeyAlgorithm;
  readonly rootKey: KeyAlgorithm;
  readonly gatewayName?: readonly string[];
  readonly trustDomain?: string;
}

export function pkiOptions(command: Command): void {
  const algorithm = (flags: string, what: string, standard: KeyAlgorithm) =>
    command.addOption(command.createOption(flags, what).choices(keyAlgorithms).default(standard));
  command
    .option(
      "--passphrase-file <file>",
      "the file with the root key's passphrase (default: one is made and shown)",
    )
    .option(
      "--issuing-passphrase-file <file>",
      "encrypt the issuing CA's key with the passphrase in this file",
    )
    .option("--import-ca <file>", "an RSA CA that you have, as PKCS#12, instead of a new root")
    .option("--import-passphrase-file <file>", "the file with the passphrase of --import-ca")
    .option(
      "--gateway-name <name>",
      "a DNS name or IP address of the gateway (repeat it; default: this machine)",
      collectServerNames,
    )
    .option(
      "--trust-domain <name>",
      "the domain in the identities (default: sallyport.internal)",
      trustDomain,
    );
  algorithm("--key <algorithm>", "the kind of the issuing CA's key", "p256");
  algorithm("--root-key <algorithm>", "the kind of the root's key", "p384");
}

/** What was made, as `--json` prints it. */
export interface MadePki {
  readonly directory: string;
  readonly trustDomain: string;
  readonly gatewayNames: readonly string[];
  readonly root: { readonly subject: string; readonly fingerprint: string; readonly notAfter: string };
  /** What became of the CA of --import-ca: the root of a new issuing CA, or the issuing CA itself. */
  readonly importedAs?: "root" | "issuing";
  /** Only when it was made here; this is the one place where it shows. */
  readonly rootPassphrase?: string;
  readonly backUp: readonly string[];
}

/** Makes the PKI of a state directory. Throws CLI_ALREADY_INITIALISED when there is one. */
export async function makePki(session: Session, options: PkiOptions): Promise<MadePki> {
  const directory = options.dir;
  if (isInitialised(directory)) {
    throw new CliError(
      "CLI_ALREADY_INITIALISED",
      `${directory} has a PKI: use it, or name another directory with --dir`,
    );
  }
  const issuingPassphrase = issuingSecret(session, options);
  const given = givenSecret(session, rootSource(options));
  const rootPassphrase = given ?? makePassphrase();
  const create = {
    rootPassphrase,
    rootAlgorithm: options.rootKey,
    issuingAlgorithm: options.key,
    now: session.io.now,
    ...(issuingPassphrase !== undefined && { issuingPassphrase }),
    ...(options.trustDomain !== undefined && { trustDomain: options.trustDomain }),
    ...(options.gatewayName !== undefined && { gatewayNames: options.gatewayName }),
  };
  const made =
    options.importCa === undefined
      ? await createAuthority(directory, create)
      : await importAuthority(directory, {
          ...create,
          ...(await importedFile(session, options, options.importCa)),
        });
  const files = stateFiles(directory);
  writeFileAtomic(files.access, defaultAccessText(), 0o644);
  return {
    directory,
    trustDomain: made.trustDomain,
    gatewayNames: made.gatewayNames,
    root: rootDocument(made),
    // Only a root that has an issuing CA made below it leaves a root key.
    ...(options.importCa !== undefined && { importedAs: made.wroteRootKey ? "root" : "issuing" }),
    ...(given === undefined && made.wroteRootKey && { rootPassphrase }),
    backUp: [...(made.wroteRootKey ? [files.rootKey] : []), files.issuingKey, files.inventory],
  };
}

/** Tells people what was made, what to keep, and the passphrase that exists nowhere else. */
export function sayMadePki({ out }: Session, made: MadePki): void {
  const { directory, gatewayNames, rootPassphrase } = made;
  const files = stateFiles(directory);
  const bold = (text: string) => out.style("bold", text);
  out.say(`Made a PKI in ${bold(directory)}/`);
  out.say(
    `  ${authorities[made.importedAs ?? "new"]}, and a certificate for the gateway: ${gatewayNames.join(", ")}`,
  );
  out.say();
  if (rootPassphrase !== undefined) {
    out.say(`${bold("Write this down.")} It opens the root key, is stored nowhere, and is not shown again:`);
    out.say();
    out.say(`  ${bold(rootPassphrase)}`);
    out.say();
  }
  out.say("Back up, away from this machine:");
  if (made.backUp.includes(files.rootKey)) {
    out.say(`  ${files.rootKey}   best moved there: it is needed only to renew the issuing CA`);
  }
  out.say(`  ${files.issuingKey}, ${files.inventory}`);
  out.say("`sallyport doctor` says what is weak.");
  out.say();
}

function trustDomain(value: string): string {
  if (isValidTrustDomain(value)) return value;
  throw new InvalidArgumentError("lower-case letters, digits, dots, dashes and underscores are wanted");
}

const authorities = {
  new: "a root CA, an issuing CA below it",
  root: "your CA as the root, a new issuing CA below it",
  issuing: "your CA, which issues by itself",
} as const;

function issuingSecret(session: Session, options: PkiOptions): string | undefined {
  // From a file only: a variable left over in the environment must not decide how a CA's key is kept.
  const { issuingPassphraseFile: file } = options;
  const option = "--issuing-passphrase-file";
  return file === undefined
    ? undefined
    : givenSecret(session, { what: "the issuing CA's key", file, option, variable: "" });
}

function rootSource(options: PkiOptions) {
  return {
    what: "the root key",
    file: options.passphraseFile,
    option: "--passphrase-file",
    variable: "SALLYPORT_ROOT_PASSPHRASE",
  };
}

async function importedFile(session: Session, options: PkiOptions, path: string) {
  const pkcs12 = readBoundedFile(path);
  const source = { what: path, file: options.importPassphraseFile, option: "--import-passphrase-file" };
  const pkcs12Passphrase = await requireSecret(session, {
    ...source,
    variable: "SALLYPORT_IMPORT_PASSPHRASE",
  });
  return { pkcs12, pkcs12Passphrase };
}

function rootDocument({ root }: CreatedAuthority): MadePki["root"] {
  return {
    subject: root.subject.toString(),
    fingerprint: root.fingerprint,
    notAfter: root.notAfter.toISOString(),
  };
}
