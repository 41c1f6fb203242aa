import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { PkiError } from "./errors.ts";

const MAX_KEY_FILE = 1024 * 1024;

/**
 * Replaces `path` in one step: whoever reads it sees the old bytes or the new ones, also after a power cut.
 * `mode` holds whatever the umask is. Throws the system's own error (ENOSPC, EACCES, ...) and then leaves the old
 * file as it was.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, mode: number): void {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`);
  try {
    const file = openSync(temporary, "wx", mode);
    try {
      writeFileSync(file, data);
      fchmodSync(file, mode);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(directory);
}

/**
 * The bytes of a file that somebody named, of which nobody knows what it is: a device or a pipe without an end is
 * read no further than `maxBytes` (default 16 MiB).
 * @throws the system's own error; its `code` is EFBIG for a larger file
 */
export function readBoundedFile(path: string, maxBytes: number = 16 * 1024 * 1024): Buffer {
  const file = openSync(path, "r");
  try {
    const parts: Buffer[] = [];
    for (let left = maxBytes; ; ) {
      const part = Buffer.allocUnsafe(Math.min(left + 1, 64 * 1024));
      const count = readSync(file, part);
      if (count === 0) return Buffer.concat(parts);
      left -= count;
      if (left < 0) {
        const error = new Error(`${path} has more than ${maxBytes} bytes`);
        throw Object.assign(error, { code: "EFBIG", path });
      }
      parts.push(part.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

/** The text of a file that only its owner may read. Throws PKI_KEY_PERMISSIONS, PKI_KEY_FILE. */
export function readOwnerOnlyFile(path: string): string {
  let file: number;
  try {
    // O_NONBLOCK (absent on Windows): opening a FIFO would wait for whoever writes to it.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw new PkiError("PKI_KEY_FILE", `cannot open ${path}: check that it exists and that you may read it`, {
      cause,
    });
  }
  try {
    // The open file is asked, not the path: nobody can put another file there in between.
    const status = fstatSync(file);
    if (!status.isFile()) throw new PkiError("PKI_KEY_FILE", `${path} is not a file`);
    if (status.size > MAX_KEY_FILE)
      throw new PkiError("PKI_KEY_FILE", `${path} is too large for a private key`);
    // Windows has no such bits; its access lists are not looked at.
    if (process.platform !== "win32" && (status.mode & 0o077) !== 0) {
      throw new PkiError("PKI_KEY_PERMISSIONS", `others may read ${path}: run chmod 600 on it`);
    }
    return readText(file, path);
  } finally {
    closeSync(file);
  }
}

function readText(file: number, path: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("PKI_KEY_FILE", `cannot read ${path}: check the disk`, { cause });
  }
}

/** A rename is durable once its directory is. */
export function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
