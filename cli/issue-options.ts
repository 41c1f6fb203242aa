import type { Command } from "commander";
import { type KeyAlgorithm, keyAlgorithms } from "../pki/index.ts";
import { CliError } from "./errors.ts";
import { requireSecret } from "./secrets.ts";
import { dirOption, type Session, wholeNumber } from "./verb.ts";

/** Options of every verb that issues to devices or operators. */
export interface IssueOptions {
  readonly dir: string;
  readonly out?: string;
  readonly csr?: string;
  readonly key: KeyAlgorithm;
  readonly format: "pem" | "p12";
  readonly p12PassphraseFile?: string;
  readonly days?: number;
  readonly force?: boolean;
  readonly issuingPassphraseFile?: string;
}

export function issueOptions(command: Command): void {
  command
    .addOption(dirOption())
    .option("--out <dir>", "where the files go (default: <dir>/devices)")
    .option("--csr <file>", "a certificate request (PKCS#10): the key stays where it was made")
    .addOption(
      command.createOption("--key <algorithm>", "the kind of key").choices(keyAlgorithms).default("p256"),
    )
    .addOption(
      command
        .createOption("--format <format>", "PEM files or one PKCS#12 file")
        .choices(["pem", "p12"])
        .default("pem"),
    )
    .option("--p12-passphrase-file <file>", "the file with the passphrase for --format p12")
    .option("--days <n>", "how long the certificate is good (default: 90)", wholeNumber(1, 3650))
    .option("--force", "overwrite files that are in the way");
  issuingPassphraseOption(command);
}

export function issuingPassphraseOption(command: Command): void {
  command.option(
    "--issuing-passphrase-file <file>",
    "the file with the issuing CA key's passphrase, if it has one",
  );
}

/** Checks what goes together, and reads the passphrase of PKCS#12 files where they are wanted. */
export async function readIssueOptions(
  session: Session,
  options: IssueOptions,
  ids: readonly string[],
): Promise<string | undefined> {
  if (options.csr !== undefined && ids.length !== 1) {
    throw new CliError("CLI_USAGE", "--csr is one device's: name one id");
  }
  if (options.csr !== undefined && options.format === "p12") {
    throw new CliError("CLI_USAGE", "a PKCS#12 file holds the private key, which with --csr is not here");
  }
  if (options.format === "pem") return undefined;
  return await requireSecret(session, {
    what: "the PKCS#12 file",
    file: options.p12PassphraseFile,
    option: "--p12-passphrase-file",
    variable: "SALLYPORT_P12_PASSPHRASE",
  });
}
