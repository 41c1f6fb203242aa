import { describe, expect, test } from "vitest";
import { CliError, describeFailure, ExitCode } from "../../../cli/errors.ts";
import { DeviceError } from "../../../device-client/errors.ts";
import { GatewayError } from "../../../gateway/errors.ts";
import { MitmError } from "../../../mitm/errors.ts";
import { PkiError } from "../../../pki/errors.ts";

describe("what was thrown becomes one code, one line and one exit code", () => {
  const cases: ReadonlyArray<[name: string, thrown: unknown, code: string, exitCode: number]> = [
    ["our own", new CliError("CLI_USAGE", "no"), "CLI_USAGE", ExitCode.usage],
    ["a bad path", new PkiError("PKI_PATH_EXPIRED", "no"), "PKI_PATH_EXPIRED", ExitCode.refused],
    ["a weak key", new PkiError("PKI_PUBLIC_KEY_WEAK", "no"), "PKI_PUBLIC_KEY_WEAK", ExitCode.refused],
    [
      "a wrong passphrase",
      new PkiError("PKI_WRONG_PASSPHRASE", "no"),
      "PKI_WRONG_PASSPHRASE",
      ExitCode.state,
    ],
    ["an open key file", new PkiError("PKI_KEY_PERMISSIONS", "no"), "PKI_KEY_PERMISSIONS", ExitCode.state],
    ["a bad id", new PkiError("PKI_IDENTITY_NAME", "no"), "PKI_IDENTITY_NAME", ExitCode.usage],
    ["a malformed request", new PkiError("PKI_CSR_MALFORMED", "no"), "PKI_CSR_MALFORMED", ExitCode.state],
    ["a refusing gateway", new DeviceError("DEVICE_REFUSED", "no"), "DEVICE_REFUSED", ExitCode.refused],
    ["a wrong pin", new DeviceError("DEVICE_PIN_MISMATCH", "no"), "DEVICE_PIN_MISMATCH", ExitCode.refused],
    ["a slow gateway", new DeviceError("DEVICE_TIMEOUT", "no"), "DEVICE_TIMEOUT", ExitCode.timeout],
    ["no gateway", new DeviceError("DEVICE_UNREACHABLE", "no"), "DEVICE_UNREACHABLE", ExitCode.state],
    ["a full disk", system("ENOSPC"), "CLI_DISK_FULL", ExitCode.state],
    ["a missing file", system("ENOENT"), "CLI_FILE_MISSING", ExitCode.state],
    ["a forbidden file", system("EACCES"), "CLI_FILE_PERMISSION", ExitCode.state],
    ["a port in use", system("EADDRINUSE"), "CLI_PORT_IN_USE", ExitCode.state],
    ["a damaged database", sqlite(11), "CLI_DATABASE", ExitCode.state],
    ["a full database", sqlite(13), "CLI_DISK_FULL", ExitCode.state],
    ["a bug", new TypeError("undefined is not a function"), "CLI_INTERNAL", ExitCode.failure],
    ["no error at all", "boo", "CLI_INTERNAL", ExitCode.failure],
  ];

  test.each(cases)("%s", (_name, thrown, code, exitCode) => {
    expect(describeFailure(thrown)).toMatchObject({ code, exitCode });
  });

  test("a port in use: the option that names another", () => {
    expect(describeFailure(system("EADDRINUSE")).message).toContain("--mqtt-port");
  });

  test("a full disk that the lab met: the folder is named, and no option of the gateway", () => {
    const message = "the evidence could not be written to x: the disk is full";
    const error = new MitmError("MITM_BUNDLE_NOT_WRITTEN", message, { cause: system("ENOSPC") });
    expect(describeFailure(error)).toMatchObject({ message, exitCode: ExitCode.state });
  });

  test("a limit that is out of its range: the file that it stands in", () => {
    const failure = describeFailure(new GatewayError("GATEWAY_OPTIONS_INVALID", "limits.x is not a limit"));
    expect(failure).toMatchObject({
      exitCode: ExitCode.state,
      message: expect.stringContaining("sallyport.json"),
    });
  });

  test("a host name without an address: what to check", () => {
    const failure = describeFailure(
      new GatewayError("GATEWAY_LISTEN_FAILED", "no", { cause: system("ENOTFOUND") }),
    );
    expect(failure).toMatchObject({ code: "CLI_ADDRESS", exitCode: ExitCode.state });
    const unreachable = new DeviceError("DEVICE_UNREACHABLE", "no", { cause: system("ENOTFOUND") });
    expect(describeFailure(unreachable).code).toBe("DEVICE_UNREACHABLE");
  });

  test("a library's error keeps the disk or port that caused it", () => {
    const failure = describeFailure(
      new PkiError("PKI_KEY_FILE", "cannot write", { cause: system("ENOSPC") }),
    );
    expect(failure).toMatchObject({ code: "CLI_DISK_FULL", exitCode: ExitCode.state });
  });
});

function system(code: string): Error {
  return Object.assign(new Error(`${code}: x`), { code, path: "/x" });
}

function sqlite(errcode: number): Error {
  return Object.assign(new Error("database"), { code: "ERR_SQLITE_ERROR", errcode });
}
