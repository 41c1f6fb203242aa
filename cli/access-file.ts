import { existsSync } from "node:fs";
import { Access, type AccessPolicy, defaultAccess } from "../gateway/index.ts";
import { readBoundedFile } from "../pki/index.ts";
import { CliError } from "./errors.ts";

/** `access.json` as `init` writes it: the defaults, spelled out to be changed. */
export function defaultAccessText(): string {
  return `${JSON.stringify({ ...defaultAccess, groups: {} }, null, 2)}\n`;
}

/** Reads and checks `access.json`; without one the defaults hold. Throws CLI_ACCESS_FILE, naming the key that is wrong. */
export function readAccessFile(path: string): AccessPolicy {
  if (!existsSync(path)) return defaultAccess;
  const text = readBoundedFile(path).toString("utf8");
  try {
    const policy: AccessPolicy = JSON.parse(text);
    // The gateway's own reader: what it would refuse is refused here, with the file's name.
    void new Access(policy);
    return policy;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError("CLI_ACCESS_FILE", `${path}: ${reason}; correct it (docs/reference/config.md)`, {
      cause: error,
    });
  }
}
