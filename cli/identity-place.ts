import { existsSync } from "node:fs";
import { CliError } from "./errors.ts";
import { identityFiles, stateFiles } from "./state-directory.ts";

/** The files of `id`: in the directory that was named, or where `device add` and `operator add` put them. */
export function findIdentity(id: string, options: { readonly dir: string; readonly identity?: string }) {
  const place = options.identity ?? stateFiles(options.dir).devices;
  const files = identityFiles(place, id);
  if (existsSync(files.key)) return files;
  if (existsSync(files.certificate)) {
    throw new CliError(
      "CLI_FILE_MISSING",
      `${files.key} does not exist, its certificate does: the key of a device added with --csr stays where it was made; put it there with mode 600, or name the directory that has both with --identity`,
    );
  }
  throw new CliError(
    "CLI_FILE_MISSING",
    `${files.key} does not exist: make it with \`sallyport device add ${id}\`, or \`operator add\` for an operator, or name its directory with --identity`,
  );
}
