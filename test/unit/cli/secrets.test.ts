import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../cli/io.ts";
import { Output } from "../../../cli/output.ts";
import { makePassphrase, requireSecret } from "../../../cli/secrets.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "sallyport-secrets-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function session(given: Partial<Io> = {}) {
  const stderr = new PassThrough();
  const io: Io = {
    stdout: new PassThrough(),
    stderr,
    env: {},
    now: () => new Date(),
    onSignal: () => () => {},
    ...given,
  };
  return { io, out: new Output(io, false), notes: () => String(stderr.read() ?? "") };
}

const source = { what: "the root key", option: "--passphrase-file", variable: "SALLYPORT_ROOT_PASSPHRASE" };

describe("where a passphrase comes from", () => {
  test("the first line of the file that was named, before the environment", async () => {
    const file = join(directory, "pass");
    writeFileSync(file, "from file\r\nsecond line\n", { mode: 0o600 });
    const env = { SALLYPORT_ROOT_PASSPHRASE: "from env" };
    expect(await requireSecret(session({ env }), { ...source, file })).toBe("from file");
    expect(await requireSecret(session({ env }), source)).toBe("from env");
  });

  test.each([
    ["octets that are no UTF-8", Buffer.from([0xc3, 0x28, 0xff, 0x41])],
    ["a zero octet", Buffer.from("pass\0word")],
  ])("a file of %s is no passphrase: it would be weaker than it looks", async (_name, content) => {
    const file = join(directory, "pass");
    writeFileSync(file, content, { mode: 0o600 });
    await expect(requireSecret(session(), { ...source, file })).rejects.toMatchObject({
      code: "CLI_PASSPHRASE",
      message: expect.stringContaining("is not UTF-8"),
    });
  });

  test("the terminal, when neither is given", async () => {
    expect(await requireSecret(session({ askSecret: async () => "typed" }), source)).toBe("typed");
  });

  test("nobody to ask, or an empty answer: the error says both ways to give one", async () => {
    const missing = {
      code: "CLI_PASSPHRASE",
      message: expect.stringMatching(/--passphrase-file.*SALLYPORT_ROOT_PASSPHRASE/),
    };
    await expect(requireSecret(session(), source)).rejects.toMatchObject(missing);
    await expect(requireSecret(session({ askSecret: async () => "" }), source)).rejects.toMatchObject(
      missing,
    );
  });

  test("an empty file and an empty variable are errors, not an empty passphrase", async () => {
    const file = join(directory, "empty");
    writeFileSync(file, "\n", { mode: 0o600 });
    await expect(requireSecret(session(), { ...source, file })).rejects.toMatchObject({
      code: "CLI_PASSPHRASE",
    });
    const env = { SALLYPORT_ROOT_PASSPHRASE: "" };
    await expect(requireSecret(session({ env }), source)).rejects.toMatchObject({ code: "CLI_PASSPHRASE" });
  });

  test("a file that others can read is used, and said so", async () => {
    const file = join(directory, "open");
    writeFileSync(file, "secret", { mode: 0o644 });
    const own = session();
    await requireSecret(own, { ...source, file });
    expect(own.notes()).toMatch(/readable by other users/);
    expect(own.notes()).not.toMatch("secret");
  });
});

test("a made passphrase has 150 random bits, and no signs that are mistaken for one another", () => {
  const made = new Set(Array.from({ length: 1000 }, makePassphrase));
  expect(made.size).toBe(1000);
  for (const passphrase of made) expect(passphrase).toMatch(/^([a-km-np-z2-9]{5}-){5}[a-km-np-z2-9]{5}$/);
  const signs = new Set([...made].join("").replaceAll("-", ""));
  expect(signs.size).toBe(32);
});
