import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readBoundedFile } from "../../pki/index.ts";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

export function examineKeys(files: StateFiles): Finding[] {
  return [...modes(files), ...rootKey(files), ...issuingKey(files)];
}

function modes(files: StateFiles): Finding[] {
  const secret = [
    files.inventory,
    files.broker,
    ...keyFilesIn(files.directory),
    ...keyFilesIn(files.devices),
  ];
  const open = secret.filter((path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0);
  const findings: Finding[] = open.map((path) => ({
    level: "error",
    check: "key-modes",
    message: `${path} can be read or changed by other users`,
    next: `chmod 600 ${path}`,
  }));
  if ((statSync(files.directory).mode & 0o022) !== 0) {
    findings.push({
      level: "error",
      check: "directory-mode",
      message: `other users may replace files in ${files.directory}`,
      next: `chmod go-w ${files.directory}`,
    });
  }
  if (findings.length > 0) return findings;
  return [{ level: "ok", check: "key-modes", message: `${secret.length} files are their owner's alone` }];
}

function keyFilesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".key.pem") || name.endsWith(".p12"))
    .map((name) => join(directory, name));
}

function rootKey({ rootKey: path }: StateFiles): Finding[] {
  if (!existsSync(path))
    return [{ level: "ok", check: "root-key", message: "the root key is not on this machine" }];
  if (!isEncrypted(path)) {
    const message = "the root key is not encrypted: whoever reads it makes any identity";
    return [{ level: "error", check: "root-key", message, next: `move ${path} off this machine, encrypted` }];
  }
  return [
    {
      level: "warning",
      check: "root-key",
      message: "the root key is on this machine (encrypted); it is needed only to renew the issuing CA",
      next: `move ${path} to offline storage, and its passphrase elsewhere`,
    },
  ];
}

function issuingKey({ issuingKey: path }: StateFiles): Finding[] {
  if (!existsSync(path)) {
    return [{ level: "ok", check: "issuing-key", message: "the issuing CA's key is not on this machine" }];
  }
  if (isEncrypted(path))
    return [{ level: "ok", check: "issuing-key", message: "the issuing CA's key is encrypted" }];
  return [
    {
      level: "warning",
      check: "issuing-key",
      message: "the issuing CA's key is not encrypted: whoever reads the file issues certificates",
      next: "make the PKI with `init --issuing-passphrase-file FILE` where that is too little",
    },
  ];
}

function isEncrypted(path: string): boolean {
  return readBoundedFile(path).toString("utf8").includes("-----BEGIN ENCRYPTED PRIVATE KEY-----");
}
