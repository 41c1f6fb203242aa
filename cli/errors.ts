/**
 * What the command exits with. Scripts may rely on these numbers; docs/reference/cli.md lists them.
 */
export const ExitCode = {
  /** Everything asked for was done. */
  ok: 0,
  /** It was not, for a reason that has no number of its own (a step of the demo, a finding of doctor, a bug). */
  failure: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** A policy or the other side said no. */
  refused: 3,
  /** A file, key, database, port, disk or passphrase stands in the way. */
  state: 4,
  /** Waited as long as asked. */
  timeout: 5,
  /** Nothing of the target is broken, but some case of the lab could not be judged. */
  undecided: 6,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Every failure this folder reports itself: what it means, and what the process exits with for it. */
export const cliErrors = {
  CLI_USAGE: [ExitCode.usage, "the command line makes no sense"],
  CLI_NOT_INITIALISED: [ExitCode.state, "the state directory holds no PKI"],
  CLI_ALREADY_INITIALISED: [ExitCode.state, "the state directory holds a PKI already"],
  CLI_UNKNOWN_DEVICE: [ExitCode.state, "the inventory has no device, operator or certificate of this name"],
  CLI_FILE_EXISTS: [ExitCode.state, "a file is in the way and was not overwritten"],
  CLI_FILE_MISSING: [ExitCode.state, "a file does not exist"],
  CLI_FILE_PERMISSION: [ExitCode.state, "the system does not let this user read or write a file"],
  CLI_FILE_UNREADABLE: [ExitCode.state, "a file is not what it should be"],
  CLI_DISK_FULL: [ExitCode.state, "no space is left on the disk"],
  CLI_OUTPUT: [ExitCode.state, "standard output takes no more: its disk is full, for one"],
  CLI_DATABASE: [ExitCode.state, "a database is damaged, busy or not ours"],
  CLI_PORT_IN_USE: [ExitCode.state, "another program listens on the port"],
  CLI_ADDRESS: [ExitCode.state, "a host name or address cannot be used"],
  CLI_UNREACHABLE: [ExitCode.state, "nobody answers at the gateway's address"],
  CLI_PASSPHRASE: [ExitCode.state, "a passphrase is needed and there is none"],
  CLI_SETTINGS: [ExitCode.state, "sallyport.json is not what it should be"],
  CLI_ACCESS_FILE: [ExitCode.state, "access.json is not what it should be"],
  CLI_REFUSED: [ExitCode.refused, "the gateway ended the session"],
  CLI_TIMEOUT: [ExitCode.timeout, "what was waited for did not happen in time"],
  CLI_DEMO_FAILED: [ExitCode.failure, "a step of the demo did not go as it should"],
  CLI_INTERNAL: [ExitCode.failure, "an error that nobody foresaw: please report it"],
} as const satisfies Record<string, readonly [ExitCode, string]>;
export type CliErrorCode = keyof typeof cliErrors;

/** A failure of the command itself. The message says what to do next and never holds a secret. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A failure as the user sees it: one stable code, one line, one exit code. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Turns whatever was thrown into what is printed. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return internal(String(error));
  const code = "code" in error ? String(error.code) : "";
  if (error instanceof CliError) return { code, message: error.message, exitCode: cliErrors[error.code][0] };
  if (/^(PKI|GATEWAY|DEVICE|DTLS|MITM)_/.test(code)) {
    const next = nextStep.get(code);
    const message = next === undefined ? error.message : `${error.message}; ${next}`;
    const failure = { code, message, exitCode: exitCodeFor(code) };
    // The lab's own errors name the folder, or the port, and it has other options than the gateway.
    if (code.startsWith("MITM_")) return failure;
    return machineFailure(error.cause) ?? hostFailure(code, error.cause) ?? failure;
  }
  return systemFailure(error, code) ?? internal(error.message || error.name);
}

/** The peer's or a policy's "no" is 3; everything else that a library reports is about files, keys and state. */
function exitCodeFor(code: string): ExitCode {
  if (code === "DEVICE_TIMEOUT") return ExitCode.timeout;
  // Ids come from the command line.
  if (code === "PKI_IDENTITY_NAME" || code === "MITM_CASE_UNKNOWN" || code === "MITM_OPTIONS_INVALID")
    return ExitCode.usage;
  return refusals.has(code) || code.startsWith("PKI_PATH_") ? ExitCode.refused : ExitCode.state;
}

const refusals: ReadonlySet<string> = new Set([
  "PKI_CERTIFICATE_REVOKED",
  "PKI_CSR_PROOF_OF_POSSESSION",
  "PKI_DEVICE_EXISTS",
  "PKI_DEVICE_RETIRED",
  "PKI_DUPLICATE_KEY",
  "PKI_PROFILE",
  "PKI_PUBLIC_KEY_WEAK",
  "DEVICE_CONNECTION_LOST",
  "DEVICE_GATEWAY_NAME_MISMATCH",
  "DEVICE_GATEWAY_UNTRUSTED",
  "DEVICE_PIN_MISMATCH",
  "DEVICE_REFUSED",
  "DEVICE_SUBSCRIBE_REFUSED",
  "DEVICE_TLS_FAILED",
]);

/** What to do, where a library's error cannot know the command that does it. */
const nextStep: ReadonlyMap<string, string> = new Map([
  ["DEVICE_UNREACHABLE", "is the gateway running there? `sallyport start` runs one"],
  [
    "DEVICE_GATEWAY_NAME_MISMATCH",
    "`--server-name NAME` names the one to check, `sallyport gateway renew --gateway-name NAME` gives the gateway this one",
  ],
  ["GATEWAY_OPTIONS_INVALID", "correct it in sallyport.json or on the command line"],
]);

/** A full disk or a taken port says more than the operation that met it. */
function machineFailure(cause: unknown): Failure | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  const code = String(cause.code);
  return machineCodes.has(code) || databaseIsFull(cause)
    ? systemFailure(cause, code)
    : machineFailure(cause.cause);
}

/** Of the host that the gateway is to listen on: of a device's gateway its own error says as much. */
function hostFailure(code: string, cause: unknown): Failure | undefined {
  if (code !== "GATEWAY_LISTEN_FAILED" || !(cause instanceof Error) || !("code" in cause)) return undefined;
  const isName = cause.code === "ENOTFOUND" || cause.code === "EAI_AGAIN";
  return isName ? systemFailure(cause, String(cause.code)) : undefined;
}

const machineCodes: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EADDRINUSE", "EADDRNOTAVAIL"]);

function systemFailure(error: Error, code: string): Failure | undefined {
  const failure = (name: CliErrorCode, message: string): Failure => ({
    code: name,
    message,
    exitCode: cliErrors[name][0],
  });
  const path = "path" in error && typeof error.path === "string" ? error.path : "a file";
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return failure("CLI_DISK_FULL", `${noSpace} (${path}): ${freeSome}`);
    case "EFBIG":
      return failure("CLI_FILE_UNREADABLE", `${error.message}: is it the file you meant?`);
    case "ENOENT":
      return failure("CLI_FILE_MISSING", `${path} does not exist: check the path, or --dir`);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return failure(
        "CLI_FILE_PERMISSION",
        `${path} may not be used by this user (${code}): check its owner and mode`,
      );
    case "EISDIR":
    case "ENOTDIR":
      return failure("CLI_FILE_UNREADABLE", `${path} is not what is wanted there (${code}): check the path`);
    case "EADDRINUSE":
      return failure(
        "CLI_PORT_IN_USE",
        `the port is in use (${error.message}): stop what holds it, or name another with --mqtt-port or --dtls-port`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return failure("CLI_ADDRESS", `the address cannot be used (${error.message}): check the host name`);
    case "ECONNREFUSED":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return failure("CLI_UNREACHABLE", `nobody answers (${error.message}): is the gateway running there?`);
    case "ERR_SQLITE_ERROR":
      if (databaseIsFull(error)) return failure("CLI_DISK_FULL", `${noSpace} for the database: ${freeSome}`);
      return failure("CLI_DATABASE", databaseMessage(error));
    default:
      return undefined;
  }
}

const noSpace = "no space left on the disk";
const freeSome = "free some and run the same command again";

// https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** The file that processes share beside the database could not grow. */
const SQLITE_IOERR_SHMSIZE = 4874;

function databaseIsFull(error: Error): boolean {
  const shared = "errcode" in error && error.errcode === SQLITE_IOERR_SHMSIZE;
  return shared || databaseResult(error) === SQLITE_FULL;
}

function databaseResult(error: Error): number {
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
}

function databaseMessage(error: Error): string {
  const result = databaseResult(error);
  if (result === SQLITE_CORRUPT || result === SQLITE_NOTADB)
    return "the database is damaged: restore it from a backup";
  if (result === SQLITE_BUSY) return "the database is busy: another process holds it; try again";
  return `the database cannot be used (${error.message})`;
}

function internal(message: string): Failure {
  return { code: "CLI_INTERNAL", message, exitCode: ExitCode.failure };
}
