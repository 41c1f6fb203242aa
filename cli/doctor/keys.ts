import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodePrivateKey, PkiError, parseCertificates, readBoundedFile } from "../../pki/index.ts";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";

export function examineModes(files: StateFiles): Finding[] {
  const { inventory, broker, dtlsAssociations, dtlsAssociationsKey } = files;
  const keys = secretsIn(files, /\.(?:key\.pem|p12)$/);
  const named = [inventory, broker, dtlsAssociations, dtlsAssociationsKey].filter((path) => existsSync(path));
  const secret = [...named, ...keys];
  const open = secret.filter((path) => (statSync(path).mode & 0o077) !== 0);
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

/** A file that is being written is renamed within moments. */
const abandonedMs = 60 * 1000;

/** Private keys that a process which was killed had written and not yet put in place. */
export function examineLeftovers(files: StateFiles, now: Date): Finding[] {
  return secretsIn(files, /(?:\.(?:key\.pem|p12)|dtls-associations\.key)\.[0-9a-f]{16}\.tmp$/)
    .filter((path) => now.getTime() - statSync(path).mtimeMs > abandonedMs)
    .map((path) => ({
      level: "warning",
      check: "leftover-keys",
      message: `${path} is a private key that an interrupted command left`,
      next: `remove ${path}`,
    }));
}

function secretsIn({ directory, devices }: StateFiles, name: RegExp): string[] {
  return [directory, devices]
    .filter((place) => existsSync(place))
    .flatMap((place) =>
      readdirSync(place)
        .filter((entry) => name.test(entry))
        .map((entry) => join(place, entry)),
    );
}

export function examineRootKey({ rootKey: path }: StateFiles): Finding[] {
  if (!existsSync(path))
    return [{ level: "ok", check: "root-key", message: "the root key is not on this machine" }];
  const key = readKey(path);
  if (key === undefined) return [damaged("root-key", path)];
  if (key !== "encrypted") {
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

export function examineIssuingKey({ issuingKey: path, issuingCertificate }: StateFiles): Finding[] {
  const check = "issuing-key";
  if (!existsSync(path)) {
    return [{ level: "ok", check, message: "the issuing CA's key is not on this machine" }];
  }
  const key = readKey(path);
  if (key === undefined) return [damaged(check, path)];
  if (key === "encrypted") return [{ level: "ok", check, message: "the issuing CA's key is encrypted" }];
  if (!belongs(key, issuingCertificate)) {
    const message = "the issuing CA's key does not belong to its certificate";
    return [{ level: "error", check, message, next: `restore ${path} from a backup` }];
  }
  return [
    {
      level: "warning",
      check,
      message: "the issuing CA's key is not encrypted: whoever reads the file issues certificates",
      next: "make the PKI with `init --issuing-passphrase-file FILE` where that is too little",
    },
  ];
}

/** Is it the key of the first certificate in this file? */
export function belongs(key: KeyObject, certificatePath: string): boolean {
  const [certificate] = parseCertificates(readBoundedFile(certificatePath).toString("utf8"));
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  return certificate !== undefined && publicKey.equals(certificate.subjectPublicKeyInfo);
}

function damaged(check: string, path: string): Finding {
  const message = `${path} is damaged: it holds no whole private key`;
  return { level: "error", check, message, next: "restore it from a backup" };
}

/** The key, or that it is encrypted; undefined when the file holds neither. */
function readKey(path: string): KeyObject | "encrypted" | undefined {
  const text = readBoundedFile(path).toString("utf8");
  const key = tryKey(text, {});
  if (key !== "PKI_PASSPHRASE_REQUIRED") return typeof key === "string" ? undefined : key;
  // Nobody is asked for the passphrase: with any, a file that is cut off fails before that is found to be wrong.
  const opened = tryKey(text, { passphrase: "any" });
  return opened === "PKI_KEY_FILE" ? undefined : "encrypted";
}

function tryKey(text: string, options: { readonly passphrase?: string }): KeyObject | string {
  try {
    return decodePrivateKey(text, options);
  } catch (error) {
    if (error instanceof PkiError) return error.code;
    throw error;
  }
}
