import { closeSync, fsyncSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { readBoundedFile, writeFileAtomic } from "../../pki/index.ts";

/** Later than this after the gateway stopped its clients have long given up. */
const longestMs = 60 * 60 * 1000;
/** Writing both files takes no longer. */
const settledMs = 10 * 1000;
const largestFile = 512 * 1024 * 1024;
const timeBytes = 8;
/** AES-256. */
const keyBytes = 32;

/** The associations of an earlier process, and the key that they are encrypted with. */
export interface Kept {
  readonly key: Uint8Array;
  readonly associations: Uint8Array;
}

/**
 * Live DTLS associations between two runs of the gateway: two files of mode 0600 in the state directory, the
 * associations encrypted, and the time with their key, a new one each time.
 *
 * Used twice, associations repeat the nonces of their cipher and with them give away what it protects. So they are gone
 * from the disk before they are used, and a copy, as from a backup, is not taken: it was made later than what it says.
 */
export class KeptAssociations {
  readonly #associationsFile: string;
  readonly #keyFile: string;
  readonly #directory: string;
  readonly #wallClock: () => number;

  constructor(directory: string, wallClock: () => number = Date.now) {
    this.#directory = directory;
    this.#associationsFile = join(directory, "dtls-associations");
    this.#keyFile = join(directory, "dtls-associations.key");
    this.#wallClock = wallClock;
  }

  /** Throws the system's own error. */
  keep({ key, associations }: Kept): void {
    this.keepKey(key);
    writeFileAtomic(this.#associationsFile, associations, 0o600);
  }

  /** The key alone, which is of no use yet: whether this directory takes anything. Throws the system's own error. */
  keepKey(key: Uint8Array): void {
    const time = Buffer.alloc(timeBytes);
    time.writeBigUInt64BE(BigInt(this.#wallClock()));
    writeFileAtomic(this.#keyFile, Buffer.concat([time, key]), 0o600);
  }

  /**
   * What was kept, if it may be used; in any case nothing is left of it. Throws the system's own error, as where files
   * cannot be removed: then they must not be used.
   */
  take(): Kept | undefined {
    let kept: Kept | undefined;
    try {
      kept = this.#read();
    } finally {
      rmSync(this.#associationsFile, { force: true });
      rmSync(this.#keyFile, { force: true });
    }
    if (kept === undefined) return undefined;
    // A power cut must not bring them back.
    if (process.platform !== "win32") syncDirectory(this.#directory);
    return kept;
  }

  #read(): Kept | undefined {
    const files = [this.#associationsFile, this.#keyFile].map((path) =>
      statSync(path, { throwIfNoEntry: false }),
    );
    // A pipe in their place would hold the gateway up for good.
    if (!files.every((file) => file?.isFile())) return undefined;
    const timeAndKey = readBoundedFile(this.#keyFile, 1024);
    // Another length would be an option that DTLS refuses, and no gateway would start with it.
    if (timeAndKey.length !== timeBytes + keyBytes) return undefined;
    const keptAt = Number(timeAndKey.readBigUInt64BE());
    const age = this.#wallClock() - keptAt;
    if (age < -settledMs || age > longestMs) return undefined;
    // The time of an inode's last change (ctime) is the system's own: no copy keeps that one.
    if (files.some((file) => Math.abs((file?.ctimeMs ?? 0) - keptAt) > settledMs)) return undefined;
    return {
      key: timeAndKey.subarray(timeBytes),
      associations: readBoundedFile(this.#associationsFile, largestFile),
    };
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
