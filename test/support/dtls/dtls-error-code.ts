import { DtlsError, type DtlsErrorCode } from "../../../dtls/errors.ts";

/** The code with which `act` is refused; undefined when it is not. Any other error goes on its way. */
export function dtlsErrorCode(act: () => unknown): DtlsErrorCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof DtlsError) return error.code;
    throw error;
  }
}
