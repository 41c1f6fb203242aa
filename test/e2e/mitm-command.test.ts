import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExitCode } from "../../cli/errors.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDirectory } from "../support/temp-directory.ts";

/* What is wrong with a command line is said before anything is attacked, and not by several hundred cases. */

const temporary = tempDirectory();
const directory = temporary.path;
let labCa: string;
let taken: Server;
let port: number;

beforeAll(async () => {
  labCa = join(directory, "lab");
  expect((await runCli(["mitm", "lab-ca", labCa])).exitCode).toBe(ExitCode.ok);
  taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  if (address === null || typeof address === "string") throw new Error("unreachable: it listens on TCP");
  port = address.port;
});

afterAll(async () => {
  taken.close();
  await temporary[Symbol.asyncDispose]();
});

describe("said at once, with what to do", () => {
  const cases: ReadonlyArray<readonly [string, () => string[], ExitCode, RegExp]> = [
    [
      "nobody to be",
      () => ["gateway", `127.0.0.1:${port}`],
      ExitCode.usage,
      /--attacker.*--lab-ca.*mitm lab-ca/,
    ],
    [
      "a host that is none",
      () => ["gateway", "nowhere.invalid:8883", "--lab-ca", labCa],
      ExitCode.state,
      /nowhere\.invalid cannot be found/,
    ],
    [
      "an address that is none",
      () => ["gateway", "a:b:c", "--lab-ca", labCa],
      ExitCode.usage,
      /HOST:PORT is wanted/,
    ],
    [
      "a port that is taken, for a device",
      () => ["device", "--lab-ca", labCa, "--port", String(port)],
      ExitCode.state,
      /EADDRINUSE/,
    ],
    [
      "a port that is taken, for a pair",
      () => ["pair", "--gateway", "127.0.0.1:1", "--port", String(port)],
      ExitCode.state,
      /EADDRINUSE/,
    ],
    [
      "a gateway of a pair that is nowhere",
      () => ["pair", "--gateway", "nowhere.invalid:1", "--port", String(port)],
      ExitCode.state,
      /nowhere\.invalid cannot be found/,
    ],
    ["a case that is none", () => ["own", "--case", "X-99"], ExitCode.usage, /"X-99".*mitm list/],
    [
      "a lab CA that is none",
      () => ["gateway", `127.0.0.1:${port}`, "--lab-ca", directory],
      ExitCode.state,
      /holds no lab CA.*mitm lab-ca/,
    ],
    [
      "a real CA without its name",
      () => ["gateway", `127.0.0.1:${port}`, "--dangerously-use-real-ca", "--dir", directory],
      ExitCode.state,
      /there is no PKI/,
    ],
    [
      "a device without files",
      () => ["gateway", `127.0.0.1:${port}`, "--attacker", "nobody", "--dir", directory],
      ExitCode.state,
      /device add nobody/,
    ],
    [
      "a yardstick that is none",
      () => ["own", "--case", "G-CERT-05", "--compare", directory],
      ExitCode.state,
      /not the evidence of a run/,
    ],
    [
      "a folder of something else for the evidence",
      () => ["own", "--case", "G-CERT-05", "--bundle", directory],
      ExitCode.state,
      /not the evidence folder of a run/,
    ],
  ];

  test.each(cases)("%s", async (_name, args, exitCode, says) => {
    const result = await runCli(["mitm", ...args()]);
    expect(result.stderr).toMatch(says);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe("");
  });
});
