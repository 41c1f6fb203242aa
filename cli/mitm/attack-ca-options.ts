import { type Command, Option } from "commander";

/** Options that say which CA the lab may misuse. */
export interface AttackCaOptions {
  readonly dir: string;
  readonly labCa?: string;
  /** true: given without the name of the CA. */
  readonly dangerouslyUseRealCa?: string | true;
  readonly issuingPassphraseFile?: string;
}

export function attackCaOptions(command: Command): Command {
  return command
    .addOption(new Option("--lab-ca <dir>", "the lab CA that the target trusts, as `mitm lab-ca` makes it"))
    .addOption(
      new Option(
        "--dangerously-use-real-ca [name]",
        "let the lab sign wrong certificates with the CA of --dir, whose exact name is the confirmation",
      ).conflicts("labCa"),
    )
    .option(
      "--issuing-passphrase-file <file>",
      "with the real CA: the passphrase of its key, when it has one",
    );
}
