import { type KeyObject, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Issued } from "../pki/authority/index.ts";
import {
  encodePkcs12,
  encodePrivateKey,
  parseCertificates,
  readBoundedFile,
  writeFileAtomic,
} from "../pki/index.ts";
import { CliError } from "./errors.ts";
import { identityFiles } from "./state-directory.ts";

/** Where and how the files of identities are written. */
export interface OutputPlace {
  readonly directory: string;
  readonly format: "pem" | "p12";
  readonly p12Passphrase: string | undefined;
  readonly force: boolean;
}

/** Throws CLI_FILE_EXISTS when files of these ids, or another ca.pem, are in the way. Makes the directory. */
export function requireFree(place: OutputPlace, ids: readonly string[], caPem: string): void {
  const { directory, force } = place;
  if (!force) {
    const taken = ids.flatMap((id) => Object.values(ownFiles(place, id))).filter((path) => existsSync(path));
    const [first] = taken;
    if (first !== undefined) {
      throw new CliError(
        "CLI_FILE_EXISTS",
        `${first} exists: move it away, name another --out, or add --force`,
      );
    }
    const { ca } = identityFiles(directory, "");
    if (existsSync(ca) && readBoundedFile(ca).toString("utf8") !== caPem) {
      throw new CliError("CLI_FILE_EXISTS", `${ca} is another CA's: name another --out, or add --force`);
    }
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Are all files of this id there? */
export function isComplete(place: OutputPlace, id: string): boolean {
  return Object.values(ownFiles(place, id)).every((path) => existsSync(path));
}

/**
 * Removes what a run that was killed left of the files of these ids: keys that were written and never put in place.
 * A second process that is making the same ids at this moment fails then, and its command goes on when run again.
 */
export function removeUnfinished({ directory }: OutputPlace, ids: readonly string[]): void {
  const wanted = new Set(ids);
  for (const name of readdirSync(directory)) {
    const [, id] = unfinished.exec(name) ?? [];
    if (id !== undefined && wanted.has(id)) rmSync(join(directory, name), { force: true });
  }
}

const unfinished = /^(.+)\.(?:key\.pem|cert\.pem|p12)\.[0-9a-f]{16}\.tmp$/;

export function writeCa(place: OutputPlace, caPem: string): string {
  const { ca } = identityFiles(place.directory, "");
  if (!existsSync(ca) || readBoundedFile(ca).toString("utf8") !== caPem) writeFileAtomic(ca, caPem, 0o644);
  return ca;
}

/** Writes the key file alone, ahead of its certificate; returns its path. */
export function writeKey(place: OutputPlace, id: string, key: KeyObject): string {
  const path = identityFiles(place.directory, id).key;
  writeFileAtomic(path, encodePrivateKey(key), 0o600);
  return path;
}

/** Writes what was issued: durable when it resolves. Returns the paths. */
export async function writeIssued(place: OutputPlace, issued: Issued): Promise<string[]> {
  const files = identityFiles(place.directory, issued.id);
  const { privateKey, chainPem } = issued;
  if (place.format === "p12" && privateKey !== undefined && place.p12Passphrase !== undefined) {
    const certificates = [...parseCertificates(chainPem), ...parseCertificates(issued.caPem)];
    const passphrase = place.p12Passphrase;
    await writeDurably(
      files.pkcs12,
      encodePkcs12({ privateKey, certificates, passphrase, friendlyName: issued.id }),
      0o600,
    );
    return [files.pkcs12];
  }
  // The key first: a certificate without its key is of no use.
  if (privateKey !== undefined) await writeDurably(files.key, encodePrivateKey(privateKey), 0o600);
  await writeDurably(files.certificate, chainPem, 0o644);
  return privateKey === undefined ? [files.certificate] : [files.key, files.certificate];
}

function ownFiles(place: OutputPlace, id: string): Record<string, string> {
  const { key, certificate, pkcs12 } = identityFiles(place.directory, id);
  return place.format === "p12" ? { pkcs12 } : { key, certificate };
}

/** As `writeFileAtomic`, but many at once share the disk's flushes: ten thousand files take seconds, not minutes. */
async function writeDurably(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(data);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
