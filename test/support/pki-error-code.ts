import { PkiError, type PkiErrorCode } from "../../pki/index.ts";

/** The code that `action` fails with, or undefined when it does not; another error than PkiError goes through. */
export function pkiErrorCode(action: () => unknown): PkiErrorCode | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof PkiError) return error.code;
    throw error;
  }
}
