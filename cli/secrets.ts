import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { readBoundedFile } from "../pki/index.ts";
import { CliError } from "./errors.ts";
import type { Session } from "./verb.ts";

/** Where a passphrase may come from. Never the command line: other users of the machine can read that. */
export interface SecretSource {
  /** What it opens, for the prompt and for errors: `the root key`. */
  readonly what: string;
  /** The file that an option named; its first line counts. */
  readonly file?: string | undefined;
  readonly option: string;
  /** The environment variable that may hold it. */
  readonly variable: string;
}

/** The passphrase from its file, the environment or the terminal; undefined where there is none of them. */
async function readSecret(session: Session, source: SecretSource): Promise<string | undefined> {
  return givenSecret(session, source) ?? (await askedSecret(session, source));
}

/** As `readSecret`, without asking anybody. */
export function givenSecret({ io, out }: Session, source: SecretSource): string | undefined {
  if (source.file !== undefined) return fromFile(source.file, source, (line) => out.note(line));
  const value = io.env[source.variable];
  if (value === "") {
    throw new CliError(
      "CLI_PASSPHRASE",
      `${source.variable} is set but empty: unset it, or set the passphrase`,
    );
  }
  return value;
}

async function askedSecret({ io }: Session, source: SecretSource): Promise<string | undefined> {
  return io.askSecret === undefined ? undefined : await io.askSecret(`passphrase of ${source.what}: `);
}

/** As `readSecret`, for what cannot go on without. */
export async function requireSecret(session: Session, source: SecretSource): Promise<string> {
  const secret = await readSecret(session, source);
  if (secret !== undefined && secret !== "") return secret;
  throw new CliError(
    "CLI_PASSPHRASE",
    `the passphrase of ${source.what} is needed: name a file with ${source.option}, or set ${source.variable}`,
  );
}

function fromFile(path: string, source: SecretSource, note: (line: string) => void): string {
  const text = readBoundedFile(path).toString("utf8");
  // Octets that are no text would all become one sign: a passphrase that is weaker than it looks, and that no
  // other program reads from the same file.
  if (text.includes("\ufffd") || text.includes("\0")) {
    throw new CliError(
      "CLI_PASSPHRASE",
      `${path} is not UTF-8 text: a passphrase for ${source.what} is made by \`openssl rand -base64 24\`, for one`,
    );
  }
  const secret = text.split(/\r?\n/, 1)[0] ?? "";
  if (secret === "") {
    throw new CliError(
      "CLI_PASSPHRASE",
      `${path} has an empty first line: ${source.what} needs a passphrase there`,
    );
  }
  if ((statSync(path).mode & 0o077) !== 0) note(`${path} is readable by other users: chmod 600 it`);
  return secret;
}

// 32 signs, so five bits each; without l, o, 0 and 1, which are mistaken for one another on paper.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";

/** A passphrase of 150 random bits in six groups of five, to be written down. */
export function makePassphrase(): string {
  const signs = Array.from(randomBytes(30), (octet) => alphabet[octet & 31]).join("");
  return signs.match(/.{5}/g)?.join("-") ?? signs;
}
