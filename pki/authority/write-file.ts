import { PkiError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";

/** As `writeFileAtomic`. Throws PKI_FILE_WRITE, and then the old file is as it was. */
export function writePublicFile(path: string, text: string): void {
  try {
    writeFileAtomic(path, text, 0o644);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** What the operating system says about a write that failed, as PKI_FILE_WRITE; anything else as it is. */
export function writeFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return error;
  const isFull = error.code === "ENOSPC" || error.code === "EDQUOT";
  const advice = isFull
    ? "the disk is full, make room and run it again"
    : "check the owner and mode of the directory";
  return new PkiError("PKI_FILE_WRITE", `cannot write ${path} (${String(error.code)}): ${advice}`, {
    cause: error,
  });
}
