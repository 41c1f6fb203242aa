import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "../errors.ts";
import { syncDirectory } from "../files.ts";
import { fileNames } from "./layout.ts";
import { writeFailure } from "./write-file.ts";

const stagingName = ".init";
const pidName = "pid";

/**
 * Makes the files of an authority appear in `directory` all together. `build` writes them into a directory of their
 * own below it; then they move up, the inventory last, and only a directory with an inventory counts as an authority.
 * Killed at any point, this leaves no usable authority or a complete one; the next call clears away what an
 * interrupted one left. Throws PKI_AUTHORITY_EXISTS when there is one, or files that would be overwritten; PKI_FILE_WRITE.
 */
export async function buildInPlace<T>(directory: string, build: (staging: string) => Promise<T>): Promise<T> {
  let staging: string;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    staging = claim(directory);
  } catch (error) {
    throw writeFailure(error, directory);
  }
  try {
    const result = await build(staging);
    for (const name of Object.values(fileNames)) {
      if (existsSync(join(staging, name))) renameSync(join(staging, name), join(directory, name));
      // The inventory must not become durable before the files that it speaks for.
      if (name === fileNames.crl) syncDirectory(directory);
    }
    syncDirectory(directory);
    return result;
  } catch (error) {
    if (!existsSync(join(directory, fileNames.inventory))) removeParts(directory);
    throw writeFailure(error, directory);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Whether `directory` holds a complete authority. */
export function holdsAuthority(directory: string): boolean {
  return existsSync(join(directory, fileNames.inventory)) && existsSync(join(directory, fileNames.anchors));
}

function claim(directory: string): string {
  const staging = join(directory, stagingName);
  if (existsSync(staging)) recover(directory, staging);
  const present = Object.values(fileNames).filter((name) => existsSync(join(directory, name)));
  if (holdsAuthority(directory)) {
    throw new PkiError(
      "PKI_AUTHORITY_EXISTS",
      `${directory} holds an authority already: use it, or name another directory`,
    );
  }
  if (present.length > 0) {
    const lost = [fileNames.inventory, fileNames.anchors].filter((name) => !present.includes(name));
    throw new PkiError(
      "PKI_AUTHORITY_EXISTS",
      `${directory} holds ${present.join(", ")} but not ${lost.join(", ")}: restore what is lost from a backup, ` +
        "or name another directory",
    );
  }
  try {
    mkdirSync(staging, { mode: 0o700 });
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    throw new PkiError(
      "PKI_AUTHORITY_EXISTS",
      `another process is making an authority in ${directory}: wait for it`,
      { cause },
    );
  }
  writeFileSync(join(staging, pidName), String(process.pid), { mode: 0o600 });
  return staging;
}

/** What an interrupted build left behind is no authority: everything of it goes. A complete one stays. */
function recover(directory: string, staging: string): void {
  if (isBuilding(staging)) {
    throw new PkiError(
      "PKI_AUTHORITY_EXISTS",
      `another process is making an authority in ${directory}: wait for it, or remove ${staging} when there is none`,
    );
  }
  if (!holdsAuthority(directory)) removeParts(directory);
  rmSync(staging, { recursive: true, force: true });
}

function isBuilding(staging: string): boolean {
  let pid: number;
  try {
    pid = Number(readFileSync(join(staging, pidName), "utf8"));
  } catch {
    // Killed before it could write its number.
    return false;
  }
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Removes files that were moved up before the build was interrupted: `claim` made sure that none was there before. */
function removeParts(directory: string): void {
  for (const name of Object.values(fileNames)) rmSync(join(directory, name), { force: true });
}
