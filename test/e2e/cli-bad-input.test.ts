import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Inventory } from "../../pki/index.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";

/** Bad input gets a clear error and changes nothing. Each test works on its own copy of one state directory. */

let scratch: string;
let template: string;
let dir: string;
let count = 0;
const env = {
  SALLYPORT_ROOT_PASSPHRASE: "a root passphrase",
  SALLYPORT_ISSUING_PASSPHRASE: "an issuing passphrase",
};
const passphraseFile = () => join(scratch, "issuing.pass");

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-bad-input-"));
  writeFileSync(passphraseFile(), "an issuing passphrase\n", { mode: 0o600 });
  template = join(scratch, "template");
  await ok(["init", "--dir", template, "--issuing-passphrase-file", passphraseFile()]);
  await ok(["device", "add", "existing", "--dir", template]);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(() => {
  count += 1;
  dir = join(scratch, `state-${count}`);
  cpSync(template, dir, { recursive: true });
});

describe("a state directory that lost a file", () => {
  test.each(["inventory.sqlite", "ca.pem"])("%s: the error names it, and offers no new PKI", async (name) => {
    rmSync(join(dir, name));
    for (const command of [["device", "add", "newcomer"], ["init"]]) {
      const failure = await refused(command, [4]);
      expect(failure.message).toContain(name);
      expect(failure.message).toContain("backup");
    }
    const { exitCode, stdout } = await runCli(["doctor", "--dir", dir]);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining(`${name} is missing`)]);
  });
});

describe("device add", () => {
  test.each([
    ["no PEM at all", "hello"],
    ["PEM of something else", () => readFileSync(join(dir, "ca.pem"), "utf8")],
    ["a CSR that is cut off", () => withPem((der) => der.subarray(0, der.length - 9))],
    ["a CSR with bytes behind it", () => withPem((der) => Buffer.concat([der, Buffer.from([0])]))],
    ["a CSR whose signature is not its key's", () => withPem((der) => flipped(der))],
  ])("a malformed CSR: %s", async (_name, text) => {
    const csr = join(scratch, "bad.csr.pem");
    writeFileSync(csr, typeof text === "string" ? text : text());
    const failure = await refused(["device", "add", "newcomer", "--csr", csr], [3, 4]);
    expect(failure.code).toMatch(/^PKI_/);
  });

  test("an empty group", async () => {
    const failure = await refused(["device", "add", "newcomer", "--group", ""], [2]);
    expect(failure.code).toBe("CLI_USAGE");
  });

  test("a CSR that is not there", async () => {
    const failure = await refused(["device", "add", "newcomer", "--csr", "/nowhere/x.csr"], [4]);
    expect(failure).toMatchObject({
      code: "CLI_FILE_MISSING",
      message: expect.stringContaining("/nowhere/x.csr"),
    });
  });

  test("an issuing key that others can read", async () => {
    chmodSync(join(dir, "issuing.key.pem"), 0o644);
    const failure = await refused(["device", "add", "newcomer"], [4]);
    expect(failure).toMatchObject({
      code: "PKI_KEY_PERMISSIONS",
      message: expect.stringContaining("chmod 600"),
    });
  });

  test("the wrong passphrase of the issuing key, and it is not in the message", async () => {
    const wrong = { SALLYPORT_ISSUING_PASSPHRASE: "not the passphrase" };
    const failure = await refused(["device", "add", "newcomer"], [4], wrong);
    expect(failure.code).toBe("PKI_WRONG_PASSPHRASE");
    expect(failure.message).not.toContain("not the passphrase");
  });

  test("no passphrase where one is needed, and nobody to ask", async () => {
    const failure = await refused(["device", "add", "newcomer"], [4], {});
    expect(failure.message).toMatch(/--issuing-passphrase-file|SALLYPORT_ISSUING_PASSPHRASE/);
  });

  test.each([
    "../escape",
    "a/b",
    "a+b",
    "#",
    "",
    "-x",
    "__proto__",
    "constructor",
    "x".repeat(65),
    "a b",
    "ü",
  ])("an id that breaks topics or paths: %j", async (id) => {
    const failure = await refused(["device", "add", "--", id], [2]);
    expect(failure.code).toMatch(/^(PKI_IDENTITY_NAME|CLI_USAGE)$/);
  });

  test("an id that is taken, in any case of its letters", async () => {
    expect((await refused(["device", "add", "existing"], [3, 4])).message).toMatch(/exist/);
    expect((await refused(["device", "add", "EXISTING"], [3, 4])).message).toMatch(/exist/);
  });

  test("files in the way are not overwritten", async () => {
    writeFileSync(join(dir, "devices", "newcomer.key.pem"), "something of value", { mode: 0o600 });
    const failure = await refused(["device", "add", "newcomer"], [4]);
    expect(failure).toMatchObject({ code: "CLI_FILE_EXISTS", message: expect.stringContaining("--force") });
  });

  test("one bad id among good ones: none is made", async () => {
    const failure = await refused(["device", "add", "good-1", "b/ad", "good-2"], [2]);
    expect(failure.message).toContain("b/ad");
  });

  test("an algorithm that does not exist", async () => {
    expect((await refused(["device", "add", "newcomer", "--key", "dsa"], [2])).code).toBe("CLI_USAGE");
  });
});

describe("the inventory", () => {
  test.each([
    [
      "overwritten",
      () =>
        writeFileSync(
          join(dir, "inventory.sqlite"),
          "no database, for a hundred bytes and more ".repeat(200),
        ),
    ],
    [
      "cut off",
      () =>
        writeFileSync(
          join(dir, "inventory.sqlite"),
          readFileSync(join(dir, "inventory.sqlite")).subarray(0, 5000),
        ),
    ],
  ])("a database that was %s", async (_how, damage) => {
    damage();
    for (const args of [
      ["device", "list"],
      ["device", "add", "newcomer"],
      ["start", "--mqtt-port", "0"],
    ]) {
      const failure = await refused(args, [4]);
      expect(failure.code).toMatch(/^(CLI_DATABASE|PKI_INVENTORY_\w+)$/);
      expect(failure.message).toMatch(/backup|damaged|corrupt/);
    }
  });
});

test.each([
  ["overwritten", () => "no database, for a hundred bytes and more ".repeat(200)],
  ["of another program", () => readFileSync(join(dir, "inventory.sqlite"))],
])("start: a broker.sqlite that is %s", async (_how, content) => {
  writeFileSync(join(dir, "broker.sqlite"), content(), { mode: 0o600 });
  const failure = await refused(["start", "--mqtt-port", "0"], [4]);
  expect(failure.code).toMatch(/^GATEWAY_STATE_/);
});

describe("init", () => {
  test("a directory that has a PKI already keeps it", async () => {
    const failure = await refused(["init"], [4]);
    expect(failure.code).toMatch(/ALREADY|EXISTS/);
  });

  test("an unknown algorithm or trust domain makes nothing", async () => {
    const fresh = join(scratch, "never-made");
    for (const wrong of [
      ["--key", "md5"],
      ["--trust-domain", "Not A Domain"],
    ]) {
      const result = await runCli(["init", "--dir", fresh, "--json", ...wrong], { env });
      expect(result.exitCode).toBeGreaterThan(1);
      expect(readdirSync(scratch)).not.toContain("never-made");
    }
  });
});

describe("start", () => {
  test("a port in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const failure = await refused(["start", "--mqtt-port", String(port)], [4], env, [/^broker\.sqlite/]);
    expect(failure).toMatchObject({
      code: "CLI_PORT_IN_USE",
      message: expect.stringContaining(String(port)),
    });
    await new Promise((resolve) => server.close(resolve));
  });

  test("a gateway key that others can read", async () => {
    chmodSync(join(dir, "gateway.key.pem"), 0o604);
    expect((await refused(["start", "--mqtt-port", "0"], [4])).code).toBe("PKI_KEY_PERMISSIONS");
  });

  test.each([
    ['{ "device": { "publsh": [] } }', /publsh/],
    ['{ "devices": {} }', /devices/],
    ['{ "device": { "publish": ["devices/{name}/up"] } }', /\{name\}|\{id\}/],
    ["{", /JSON/],
  ])("access.json: %s", async (text, message) => {
    writeFileSync(join(dir, "access.json"), text);
    const failure = await refused(["start", "--mqtt-port", "0"], [4]);
    expect(failure).toMatchObject({ code: "CLI_ACCESS_FILE", message: expect.stringMatching(message) });
    expect(failure.message).toContain("access.json");
  });

  test("sallyport.json with an unknown key", async () => {
    writeFileSync(join(dir, "sallyport.json"), '{ "prot": 1 }');
    expect((await refused(["start", "--mqtt-port", "0"], [4])).code).toBe("CLI_SETTINGS");
  });
});

describe("connect", () => {
  test("a device key that others can read", async () => {
    chmodSync(join(dir, "devices", "existing.key.pem"), 0o640);
    const failure = await refused(["connect", "existing", "--gateway", "localhost:1"], [4]);
    expect(failure.message).toMatch(/chmod 600/);
  });

  test("nobody listens there", async () => {
    const failure = await refused(["connect", "existing", "--gateway", "127.0.0.1:1"], [4]);
    expect(failure.code).toBe("DEVICE_UNREACHABLE");
  });

  test.each([
    [["--publish", "a/#", "--message", "x"]],
    [["--message", "x"]],
    [["--pin", "sha1/abc"]],
    [["--qos", "3"]],
    [["--count", "x"]],
  ])("a command line that makes no sense: %j", async (args) => {
    expect((await refused(["connect", "existing", "--gateway", "127.0.0.1:1", ...args], [2])).code).toBe(
      "CLI_USAGE",
    );
  });
});

describe("a disk that is full", () => {
  const small = () => join(scratch, "small-disk");
  const mounted = process.getuid?.() === 0 && mount();

  function mount(): boolean {
    const probe = mkdtempSync(join(tmpdir(), "sallyport-tmpfs-"));
    const works = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe]).status === 0;
    if (works) execFileSync("umount", [probe]);
    rmSync(probe, { recursive: true, force: true });
    return works;
  }

  test.skipIf(!mounted)(
    "device add, start and init say so and leave what is there intact (needs root and tmpfs)",
    async () => {
      mkdirSync(small());
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", small()]);
      try {
        const state = join(small(), "state");
        cpSync(template, state, { recursive: true });
        fillDisk(small());
        for (const args of [
          ["device", "add", "newcomer"],
          ["start", "--mqtt-port", "0"],
          ["init", "--dir", join(small(), "another")],
        ]) {
          const result = await runCli(
            [...args, ...(args.includes("--dir") ? [] : ["--dir", state]), "--json"],
            { env },
          );
          expect(result.exitCode, result.stderr).toBe(4);
          expect(errorOf(result)).toMatchObject({ code: "CLI_DISK_FULL" });
        }
        rmSync(join(small(), "ballast"));
        const list = await runCli(["device", "list", "--dir", state, "--json"]);
        expect(list.exitCode, list.stderr).toBe(0);
        expect((await runCli(["audit", "verify", "--dir", state])).exitCode).toBe(0);
        expect((await runCli(["device", "add", "newcomer", "--dir", state], { env })).exitCode).toBe(0);
      } finally {
        execFileSync("umount", [small()]);
      }
    },
  );
});

test("an unknown verb or option is a usage error, as text or JSON", async () => {
  const text = await runCli(["devise"]);
  expect(text).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/Did you mean device/) });
  const json = await runCli(["device", "list", "--colour", "--json"]);
  expect(json.exitCode).toBe(2);
  expect(errorOf(json)).toMatchObject({ code: "CLI_USAGE", exitCode: 2 });
});

/** Runs a verb that must fail on `dir`, and checks that no file there changed. */
async function refused(
  args: string[],
  exitCodes: number[],
  environment: Record<string, string> = env,
  mayAppear: readonly RegExp[] = [],
) {
  const before = fingerprints();
  const at = args.indexOf("--");
  const placed = args.toSpliced(at === -1 ? args.length : at, 0, "--dir", dir, "--json");
  const result = await runCli(placed, { env: environment });
  expect(exitCodes, result.stderr).toContain(result.exitCode);
  const after = fingerprints().filter((line) => !mayAppear.some((pattern) => pattern.test(line)));
  expect(after).toEqual(before);
  expect(result.stdout).toBe("");
  const error = errorOf(result);
  expect(error.exitCode).toBe(result.exitCode);
  return error;
}

function errorOf(result: CliResult): { code: string; message: string; exitCode: number } {
  return JSON.parse(result.stderr.trim().split("\n").at(-1) ?? "").error;
}

async function ok(args: string[]): Promise<CliResult> {
  const result = await runCli(args, { env });
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}

/** Every file of the state directory with its mode and content; SQLite's own side files come and go. */
function fingerprints(): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.name === "inventory.sqlite" ? inventoryContent(path) : readFileSync(path);
      const digest = createHash("sha256").update(content).digest("hex");
      return `${path.slice(dir.length + 1)} ${(statSync(path).mode & 0o777).toString(8)} ${digest}`;
    })
    .toSorted();
}

/** What the inventory holds but for its audit log, where refused requests belong. */
function inventoryContent(path: string): string | Buffer {
  try {
    using inventory = Inventory.open(dir, { readOnly: true });
    const devices = inventory.devices();
    return JSON.stringify([
      inventory.counts(),
      devices,
      devices.map(({ id, kind }) => inventory.certificatesOf(id, kind)),
    ]);
  } catch {
    return readFileSync(path);
  }
}

function fillDisk(place: string): void {
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(join(place, "ballast"), block, { flag: "a" });
  } catch {
    // Full, as wanted.
  }
}

/** A request that is good but for what `change` does to it. */
function withPem(change: (der: Buffer) => Buffer): string {
  const der = Buffer.from(goodRequest, "base64");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${change(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** The same structure, another public key point bit: the proof of possession fails. */
function flipped(der: Buffer): Buffer {
  const copy = Buffer.from(der);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

/** P-256, no names, made by OpenSSL; its private key was thrown away. */
const goodRequest =
  "MIG6MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPqkHX1DeqrmkqoMvogMUxIVjY/eQV55IpSp60rv" +
  "1gP2eUMZd/lkZzQvc8YvnWPXkCssXJjMKB+5gcEbsDOzc4igADAKBggqhkjOPQQDAgNIADBFAiB9L/byd3W5Ivi4" +
  "qj6mS7uekKu5s7opFseiGwenTEkrJAIhAJ3JKDAKw50ZS97HdGfjOB8PDQFmI5k+la764XPKPjkC";
