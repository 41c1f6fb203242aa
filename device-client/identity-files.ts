import { createPrivateKey, type KeyObject } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import {
  KeySigner,
  parseCertificates,
  readBoundedFile,
  readPrivateKeyFile,
  writeFileAtomic,
  writePrivateKeyFile,
} from "../pki/index.ts";
import { codeOf, DeviceError, textOf } from "./errors.ts";
import { assertSameDevice, DeviceIdentity, type IdentityOptions, publicHalf, sameKey } from "./identity.ts";

/** Paths of PEM files: as `sallyport device add` leaves them. */
export interface IdentityFiles {
  /** The private key, readable by its owner alone. */
  readonly key: string;
  /** The device's certificate, then its issuing CA. */
  readonly certificate: string;
  /** The trust anchors for the gateway. */
  readonly ca: string;
}

export interface IdentityFileOptions extends IdentityOptions {
  /** For an encrypted private key. */
  readonly passphrase?: string;
}

/**
 * Loads an identity from PEM files, and finishes a replacement that was cut short.
 *
 * Throws DeviceError: DEVICE_IDENTITY_UNREADABLE with the PkiError as `cause` (PKI_KEY_PERMISSIONS when others may
 * read the key, PKI_PASSPHRASE_REQUIRED, PKI_WRONG_PASSPHRASE …), DEVICE_IDENTITY_KEY_MISMATCH,
 * DEVICE_IDENTITY_MALFORMED, DEVICE_IDENTITY_EXPIRED, DEVICE_IDENTITY_NOT_YET_VALID.
 */
export function loadIdentity(files: IdentityFiles, options: IdentityFileOptions = {}): DeviceIdentity {
  const { key, certificate } = settledPair(files, options);
  return DeviceIdentity.make(new KeySigner(key), { certificate, ca: read(files.ca) }, options);
}

/**
 * Replaces key and certificate on disk, as a pair. The trust anchors stay.
 *
 * Two files cannot be renamed at once, so both new ones are first written, durably, beside the old ones with the
 * suffix `.next`. The rename of the key is the commit; the rename of the certificate follows. A crash before the
 * commit leaves the old pair; after it, `loadIdentity` sees a key that fits the certificate in `.next` and
 * finishes the job. At no moment is there no usable pair.
 *
 * Refuses another device's identity (DEVICE_IDENTITY_OTHER_DEVICE).
 */
export function replaceIdentityFiles(
  files: IdentityFiles,
  identity: DeviceIdentity,
  options: IdentityFileOptions = {},
): void {
  // The present certificate may have expired: that is a reason to replace it, not to refuse.
  const current = settledPair(files, options);
  const [leaf] = parseCertificates(current.certificate);
  const parts = { certificate: current.certificate, ca: read(files.ca) };
  const atThatTime = { now: () => leaf?.notBefore ?? new Date() };
  assertSameDevice(DeviceIdentity.make(new KeySigner(current.key), parts, atThatTime), identity);

  const next = nextOf(files);
  const { passphrase } = options;
  const key = createPrivateKey(identity.exportPrivateKey());
  writePrivateKeyFile(next.key, key, passphrase === undefined ? {} : { passphrase });
  writeFileAtomic(next.certificate, identity.certificateChain, 0o644);
  renameDurably(next.key, files.key);
  try {
    renameDurably(next.certificate, files.certificate);
  } catch (error) {
    // A loadIdentity in another process may have finished the job in between.
    if (codeOf(error) !== "ENOENT" || !fits(key, read(files.certificate))) throw error;
  }
}

interface Pair {
  readonly key: KeyObject;
  /** PEM text. */
  readonly certificate: string;
}

/**
 * The key and the certificate that belong together, after a crash or beside a replacement in another process.
 */
function settledPair(files: IdentityFiles, options: IdentityFileOptions): Pair {
  const next = nextOf(files);
  // Another process may rename between two of our reads; its replacement has two renames, so a third look is final.
  for (let look = 0; look < 3; look++) {
    const key = readKey(files.key, options);
    const certificate = read(files.certificate);
    if (fits(key, certificate)) return { key, certificate };
    const follower = readIfThere(next.certificate);
    if (follower !== undefined && fits(key, follower)) {
      finish(next.certificate, files.certificate);
      return { key, certificate: follower };
    }
  }
  throw new DeviceError(
    "DEVICE_IDENTITY_KEY_MISMATCH",
    `${files.key} does not belong to ${files.certificate}: both must come from the same enrolment`,
  );
}

/** Completes the replacement on disk. On a read-only disk the pair is as good in memory. */
function finish(from: string, to: string): void {
  try {
    renameDurably(from, to);
  } catch (error) {
    const mayPass = new Set(["EACCES", "EPERM", "EROFS", "ENOENT"]);
    if (!mayPass.has(codeOf(error) ?? "")) throw unreadable(to, error);
  }
}

function nextOf(files: IdentityFiles): { readonly key: string; readonly certificate: string } {
  return { key: `${files.key}.next`, certificate: `${files.certificate}.next` };
}

function fits(key: KeyObject, certificatePem: string): boolean {
  try {
    const [leaf] = parseCertificates(certificatePem);
    return leaf !== undefined && sameKey(publicHalf(key), leaf);
  } catch (error) {
    throw new DeviceError("DEVICE_IDENTITY_UNREADABLE", `certificate is not PEM: ${textOf(error)}`, {
      cause: error,
    });
  }
}

function readKey(path: string, options: IdentityFileOptions): KeyObject {
  try {
    const { passphrase } = options;
    return readPrivateKeyFile(path, passphrase === undefined ? {} : { passphrase });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? read(path) : undefined;
}

function read(path: string): string {
  try {
    return readBoundedFile(path).toString("utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): DeviceError {
  return new DeviceError("DEVICE_IDENTITY_UNREADABLE", `cannot use ${path}: ${textOf(cause)}`, { cause });
}

/** A rename that a power cut does not undo: POSIX makes it durable with the directory. */
function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  if (process.platform === "win32") return;
  const directory = openSync(dirname(to), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
