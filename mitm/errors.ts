/** What the lab itself can fail with. What a target does is never an error: it is a verdict. */
export const mitmErrors = {
  MITM_OPTIONS_INVALID: "an option of the lab makes no sense",
  MITM_CASE_UNKNOWN: "the catalogue has no such case",
  MITM_ADDRESS: "an address cannot be listened on or reached",
  MITM_TARGET_FAILED: "the target, or the program that starts it, did not come up",
  MITM_BUNDLE_INVALID: "a folder is not the evidence of a run",
  MITM_BUNDLE_NOT_WRITTEN: "the evidence of a run could not be written",
  MITM_FILE_EXISTS: "a file or folder is in the way and was not overwritten",
} as const;
export type MitmErrorCode = keyof typeof mitmErrors;

export class MitmError extends Error {
  override readonly name = "MitmError";
  readonly code: MitmErrorCode;
  constructor(code: MitmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Thrown by an attack that cannot be tried on this target: it lacks what is attacked (TLS 1.2, tickets, a connection
 * id), or the lab lacks what the attack needs (a CA that the target trusts). The report says which, beside the verdicts.
 */
export class NotApplicable extends Error {
  override readonly name = "NotApplicable";
}

/** Thrown by an attack that could not be brought to the target: the verdict is "not delivered", and says why. */
export class NotDelivered extends Error {
  override readonly name = "NotDelivered";
}

/** Why a socket did not connect: "nobody listens there (ECONNREFUSED)", "ENOTFOUND", or what the error says. */
export function whyUnreached(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of a name with several addresses the error has no text, but it has a code.
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === "ECONNREFUSED") return `nobody listens there (${code})`;
  return code ?? error.message;
}
