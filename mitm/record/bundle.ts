import { createPrivateKey, randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import {
  chmod,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { encodePem, readBoundedFile } from "../../pki/index.ts";
import { MitmError } from "../errors.ts";
import { runToHtml } from "../report/html.ts";
import { runFromJson, runToJson } from "../report/json.ts";
import { runToJunit } from "../report/junit.ts";
import type { CaseReport, RunReport } from "../report/run-report.ts";
import { runToSarif } from "../report/sarif.ts";
import { transcript } from "../report/transcript.ts";
import { type Capture, keyLogOf, pcapng } from "./pcapng.ts";
import type { Recording } from "./recorder.ts";

/** What lies in the evidence folder of a run. */
const bundleFiles = {
  run: "run.json",
  page: "report.html",
  junit: "junit.xml",
  sarif: "results.sarif",
  capture: "capture.pcapng",
  keyLog: "keys.log",
} as const;
const bundleFolders = { transcripts: "transcripts", certificates: "certificates" } as const;

/** A run document of more bytes than this was not written by the lab: its recordings are bounded. */
const maxRunBytes = 256 * 2 ** 20;
/** Longer names than this are cut: some file systems end at 143 bytes. */
const maxNameLength = 96;

/**
 * Writes the evidence of a run into a folder of its own, readable by its owner only, since session keys are in it. The
 * folder appears whole or not at all: it is written beside and renamed. An earlier run in its place is replaced.
 *
 * @param recordings by the id of the case
 * @returns the document as it was written, each case with the files that belong to it
 * @throws MitmError MITM_FILE_EXISTS where a folder with other things in it, or a file, is in the way
 * @throws MitmError MITM_BUNDLE_NOT_WRITTEN where it cannot be written: no room, no right to, no such place
 */
export async function writeBundle(
  directory: string,
  run: { readonly report: RunReport; readonly recordings: ReadonlyMap<string, Recording> },
): Promise<RunReport> {
  try {
    const place = await placeOf(directory);
    await assertReplaceable(place);
    const temporary = await mkdtemp(besides(place));
    // Session keys must not stay behind where nobody looks for them.
    const sweep = () => rmSync(temporary, { recursive: true, force: true });
    process.once("exit", sweep);
    try {
      const written = await fill(temporary, run.report, run.recordings);
      await moveTo(temporary, place);
      return written;
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    } finally {
      process.off("exit", sweep);
    }
  } catch (error) {
    throw explained(error, directory);
  }
}

/**
 * To be asked before a run, so that its evidence has a place when it is over.
 *
 * @throws MitmError as `writeBundle` does
 */
export async function assertBundlePlace(directory: string): Promise<void> {
  try {
    const place = await placeOf(directory);
    await assertReplaceable(place);
    // Whether one may write there is known when one has.
    await rmdir(await mkdtemp(besides(place)));
  } catch (error) {
    throw explained(error, directory);
  }
}

/**
 * The document of a run from its evidence folder.
 *
 * @throws MitmError MITM_BUNDLE_INVALID saying what is wrong with the folder or with the document in it
 */
export function readBundle(directory: string): RunReport {
  const file = join(directory, bundleFiles.run);
  let text: string;
  try {
    text = readBoundedFile(file, maxRunBytes).toString("utf8");
  } catch (error) {
    const why =
      codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR" ? "it holds no run.json" : messageOf(error);
    throw new MitmError("MITM_BUNDLE_INVALID", `${directory} is not the evidence of a run: ${why}`, {
      cause: error,
    });
  }
  return runFromJson(text, file);
}

/** What the name of a folder begins with that is written before it takes its place. */
function besides(place: string): string {
  return join(dirname(place), `.${basename(place).slice(0, 40)}-`);
}

/** Where a link leads to is replaced, not the link. */
async function placeOf(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    const parent = dirname(directory);
    await mkdir(parent, { recursive: true });
    return join(await realpath(parent), basename(directory));
  }
}

/** @throws MitmError MITM_FILE_EXISTS unless the place is free, empty, or an evidence folder with nothing added to it */
async function assertReplaceable(place: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await assertOwn(place);
      return;
    } catch (error) {
      // While this was looking another run may have put its evidence there, which takes it a moment.
      if (tries === mostLooks) throw error;
      await moment();
    }
  }
}

const mostLooks = 8;

async function moment(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, randomInt(20)));
}

async function assertOwn(place: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(place);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    if (codeOf(error) === "ENOTDIR") throw inTheWay(place, "it is a file");
    throw error;
  }
  if (names.length === 0) return;
  const own: readonly string[] = [...Object.values(bundleFiles), ...Object.values(bundleFolders)];
  const foreign = names.filter((name) => !own.includes(name));
  if (foreign.length > 0) throw inTheWay(place, `it holds ${JSON.stringify(foreign[0])}`);
  try {
    readBundle(place);
  } catch (error) {
    throw inTheWay(place, messageOf(error));
  }
}

function inTheWay(place: string, why: string): MitmError {
  return new MitmError(
    "MITM_FILE_EXISTS",
    `${place} is not the evidence folder of a run, and was not replaced (${why}): give another folder, or an empty one`,
  );
}

async function fill(
  folder: string,
  report: RunReport,
  recordings: ReadonlyMap<string, Recording>,
): Promise<RunReport> {
  const captures: Capture[] = [];
  const cases: CaseReport[] = [];
  const names = new Names();
  await mkdir(join(folder, bundleFolders.transcripts), { mode: 0o700 });
  await mkdir(join(folder, bundleFolders.certificates), { mode: 0o700 });
  for (const one of report.cases) {
    const recording = recordings.get(one.id);
    const name = names.next(one.id);
    const files = [`${bundleFolders.transcripts}/${name}.txt`];
    if (recording !== undefined) {
      captures.push({ name: one.id, description: `${one.title}: ${one.verdict}`, recording });
      files.push(...(await writeCertificates(folder, name, recording.certificates)));
    }
    const told = { ...one, files };
    cases.push(told);
    await write(folder, files[0] ?? "", [`${transcript(told)}${droppedLine(recording)}`]);
  }
  const written = { ...report, cases };
  await write(folder, bundleFiles.keyLog, [keyLogOf(captures)]);
  await write(folder, bundleFiles.capture, pcapng(captures));
  await write(folder, bundleFiles.sarif, [runToSarif(written)]);
  await write(folder, bundleFiles.junit, [runToJunit(written)]);
  await write(folder, bundleFiles.page, [runToHtml(written)]);
  await write(folder, bundleFiles.run, [runToJson(written)]);
  return written;
}

function droppedLine(recording: Recording | undefined): string {
  if (recording === undefined) return "";
  const { steps, packets, certificates = 0 } = recording.dropped;
  return steps + packets + certificates === 0
    ? ""
    : `\nToo much was said to keep all of it: ${steps} steps, ${packets} packets and ${certificates} certificates are missing.\n`;
}

async function writeCertificates(
  folder: string,
  name: string,
  certificates: ReadonlyMap<string, Uint8Array>,
): Promise<string[]> {
  const names = new Names();
  const files: string[] = [];
  for (const [label, der] of certificates) {
    // Only certificates belong here. A key that got in by mistake must not get out into a folder that is passed on.
    if (isPrivateKey(der)) continue;
    if (files.length === 0) await mkdir(join(folder, bundleFolders.certificates, name), { mode: 0o700 });
    const file = `${bundleFolders.certificates}/${name}/${names.next(label.replace(/\.(?:pem|der|crt|cer)$/i, ""))}.pem`;
    await write(folder, file, [encodePem("CERTIFICATE", der)]);
    files.push(file);
  }
  return files;
}

function isPrivateKey(der: Uint8Array): boolean {
  return (["pkcs8", "sec1", "pkcs1"] as const).some((type) => {
    try {
      createPrivateKey({ key: Buffer.from(der), format: "der", type });
      return true;
    } catch {
      return false;
    }
  });
}

/** Names of files, from texts of any kind: letters that every file system takes, and none twice. */
class Names {
  readonly #taken = new Set<string>();

  next(text: string): string {
    const plain = text
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, maxNameLength)
      .replace(/[.]+$/, "");
    const base = plain === "" ? "unnamed" : plain;
    let name = base;
    // Some file systems do not tell "a" from "A".
    for (let again = 2; this.#taken.has(name.toLowerCase()); again += 1) name = `${base}-${again}`;
    this.#taken.add(name.toLowerCase());
    return name;
  }
}

/** Writes a new file, for its owner only. */
async function write(folder: string, file: string, parts: Iterable<string | Uint8Array>): Promise<void> {
  const handle = await open(join(folder, file), "wx", 0o600);
  try {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    for (const part of parts) {
      const chunk = typeof part === "string" ? Buffer.from(part.toWellFormed()) : part;
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes < 2 ** 20) continue;
      await writeAll(handle, waiting);
      waiting = [];
      bytes = 0;
    }
    await writeAll(handle, waiting);
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  await handle.writeFile(Buffer.concat(parts));
}

/** Puts the finished folder in its place; one that was there is set aside first, and put back should that fail. */
async function moveTo(temporary: string, place: string): Promise<void> {
  await chmod(temporary, 0o700);
  await assertReplaceable(place); // it may have changed while this one was written
  for (let tries = 0; ; tries += 1) {
    const aside = `${temporary}-before`;
    const moved = await renamed(place, aside);
    try {
      await rename(temporary, place);
      if (moved) await rm(aside, { recursive: true, force: true });
      return;
    } catch (error) {
      if (moved) await restore(aside, place);
      // Another run has put its evidence there in this moment: it is an earlier one now.
      if (!isTaken(error) || tries === mostReplaced) throw error;
      await moment();
    }
  }
}

const mostReplaced = 100;

function isTaken(error: unknown): boolean {
  return codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST";
}

/** False where there is nothing of this name. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return false;
  }
}

/** Unless something newer has its place. */
async function restore(aside: string, place: string): Promise<void> {
  try {
    await rename(aside, place);
  } catch (error) {
    if (!isTaken(error)) throw error;
    await rm(aside, { recursive: true, force: true });
  }
}

const explanations: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
  EFBIG: "the file system takes no file so large",
  EACCES: "there is no right to write there",
  EPERM: "there is no right to write there",
  EROFS: "the file system is read-only",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a part of its path is a file",
  ENAMETOOLONG: "its name is too long",
  EBUSY: "something is mounted on it, or uses it",
  EXDEV: "it is a place that nothing can be moved to",
};

function explained(error: unknown, directory: string): unknown {
  if (error instanceof MitmError) return error;
  const why = explanations[codeOf(error) ?? ""];
  if (why === undefined && codeOf(error) === undefined) return error;
  return new MitmError(
    "MITM_BUNDLE_NOT_WRITTEN",
    `the evidence could not be written to ${directory}: ${why ?? messageOf(error)}; nothing was left there`,
    { cause: error },
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
