import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openPersistence } from "../../gateway/persistence/index.ts";
import { openAuthority } from "../../pki/authority/index.ts";
import { runCli } from "../support/run-cli.ts";

let scratch: string;
let template: string;
let dir: string;
let count = 0;
const days = (n: number) => new Date(Date.now() + n * 86_400_000);

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-doctor-"));
  template = join(scratch, "template");
  writeFileSync(join(scratch, "issuing.pass"), "a passphrase\n", { mode: 0o600 });
  const init = await runCli([
    "init",
    "--dir",
    template,
    "--issuing-passphrase-file",
    join(scratch, "issuing.pass"),
  ]);
  expect(init.exitCode, init.stderr).toBe(0);
  const env = { SALLYPORT_ISSUING_PASSPHRASE: "a passphrase" };
  expect((await runCli(["device", "add", "d1", "--dir", template], { env })).exitCode).toBe(0);
  rmSync(join(template, "root.key.pem"));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

beforeEach(() => {
  count += 1;
  dir = join(scratch, `state-${count}`);
  cpSync(template, dir, { recursive: true });
});

test("a directory in good order: nothing wrong, nothing weak, exit code 0, for --strict too", async () => {
  expect((await doctor()).unhealthy).toEqual([]);
  expect((await runCli(["doctor", "--strict", "--dir", dir])).exitCode).toBe(0);
});

describe("what it finds", () => {
  const wrong: ReadonlyArray<[what: string, check: string, damage: () => void]> = [
    [
      "a device's key that others can read",
      "key-modes",
      () => chmodSync(join(dir, "devices/d1.key.pem"), 0o644),
    ],
    ["an inventory that others can read", "key-modes", () => chmodSync(join(dir, "inventory.sqlite"), 0o640)],
    ["a directory where others may replace files", "directory-mode", () => chmodSync(dir, 0o777)],
    [
      "a root key without a passphrase",
      "root-key",
      () => cpSync(join(dir, "gateway.key.pem"), join(dir, "root.key.pem")),
    ],
    [
      "a gateway key of another certificate",
      "gateway-certificate",
      () => cpSync(join(dir, "devices/d1.key.pem"), join(dir, "gateway.key.pem")),
    ],
    [
      "a dangerous setting",
      "settings",
      () => writeFileSync(join(dir, "sallyport.json"), '{ "dangerouslyAcceptAll": 1 }'),
    ],
    ["an unknown setting", "settings", () => writeFileSync(join(dir, "sallyport.json"), '{ "prot": 1 }')],
    ["a broken access.json", "access", () => writeFileSync(join(dir, "access.json"), "{")],
    [
      "a damaged inventory",
      "inventory",
      () => writeFileSync(join(dir, "inventory.sqlite"), "x".repeat(9000)),
    ],
    ["an issuing key that is garbage", "issuing-key", () => spoil("issuing.key.pem", () => "garbage")],
    ["an issuing key that is empty", "issuing-key", () => spoil("issuing.key.pem", () => "")],
    ["an issuing key that is cut off", "issuing-key", () => spoil("issuing.key.pem", cutPem)],
    [
      "an issuing key of another CA",
      "issuing-key",
      () => cpSync(join(dir, "gateway.key.pem"), join(dir, "issuing.key.pem")),
    ],
    [
      "a root key that is cut off",
      "root-key",
      () => {
        cpSync(join(dir, "issuing.key.pem"), join(dir, "root.key.pem"));
        spoil("root.key.pem", cutPem);
      },
    ],
    ["broker state that is garbage", "broker-state", () => writeBroker("x".repeat(9000))],
    ["broker state that is cut off", "broker-state", () => writeBroker(database().subarray(0, 5000))],
    [
      "broker state that is garbage, of a gateway that was killed",
      "broker-state",
      () => {
        writeBroker("x".repeat(9000));
        writeFileSync(join(dir, "broker.sqlite-wal"), "", { mode: 0o600 });
      },
    ],
  ];
  test.each(wrong)("wrong: %s", async (_what, check, damage) => {
    damage();
    const { exitCode, unhealthy } = await doctor();
    expect(exitCode).toBe(1);
    expect(unhealthy).toContain(`error ${check}`);
  });

  const weak: ReadonlyArray<[what: string, check: string, damage: () => void | Promise<void>]> = [
    [
      "topics that every device shares",
      "access",
      () => writeFileSync(join(dir, "access.json"), '{ "device": { "publish": ["all/#"] } }'),
    ],
    ["no revocation list", "crl", () => rmSync(join(dir, "crl.pem"))],
    ["broker state that is empty", "broker-state", () => writeBroker("")],
    ["a key that an interrupted command left", "leftover-keys", () => leave("devices/d2.key.pem.")],
    ["the same of the PKI's own", "leftover-keys", () => leave(".issuing.key.pem.")],
  ];
  test.each(weak)("weak: %s; it fails only with --strict", async (_what, check, damage) => {
    await damage();
    const { exitCode, unhealthy } = await doctor();
    expect([exitCode, unhealthy]).toEqual([0, [`warning ${check}`]]);
    expect((await runCli(["doctor", "--strict", "--dir", dir])).exitCode).toBe(1);
  });

  test.each(["garbage", ""])("a root key that is no key is damaged, not unencrypted: %j", async (text) => {
    writeFileSync(join(dir, "root.key.pem"), text, { mode: 0o600 });
    const { stdout } = await runCli(["doctor", "--dir", dir]);
    expect(stdout).toContain("root.key.pem is damaged");
    expect(stdout).not.toContain("root key is not encrypted");
  });

  test("one bad certificate hides nothing of the others", async () => {
    writeFileSync(join(dir, "ca.pem"), "garbage");
    cpSync(join(dir, "devices/d1.key.pem"), join(dir, "gateway.key.pem"));
    const { unhealthy } = await doctor(dir, days(365 * 19.5));
    expect(unhealthy).toEqual(
      expect.arrayContaining([
        "error root-certificate",
        "error issuing-certificate",
        "error gateway-certificate",
      ]),
    );
    expect((await runCli(["doctor", "--dir", dir])).stdout).toContain("ca.pem holds no certificate");
  });

  test("broker state that is whole, and a key that is being written, are no concern", async () => {
    writeBroker(database());
    writeFileSync(join(dir, `devices/d2.key.pem.${"0".repeat(16)}.tmp`), "x", { mode: 0o600 });
    expect((await doctor()).unhealthy).toEqual([]);
  });

  test("broker state that a gateway holds is not looked into, and the gateway notices nothing", async () => {
    const persistence = await openPersistence(join(dir, "broker.sqlite"));
    const { stdout } = await runCli(["doctor", "--dir", dir]);
    expect(stdout).toMatch(/broker\.sqlite not looked into/);
    await persistence.destroy();
    expect((await doctor()).unhealthy).toEqual([]);
  });

  test("CA keys on this machine, unencrypted or not", async () => {
    const plain = join(scratch, "plain");
    await runCli(["init", "--dir", plain]);
    expect((await doctor(plain)).unhealthy).toEqual(["warning root-key", "warning issuing-key"]);
  });

  test("certificates that are about to end, and lists that are due", async () => {
    expect((await doctor(dir, days(80))).unhealthy).toEqual(["warning crl", "warning expiry"]);
    expect((await doctor(dir, days(350))).unhealthy).toContain("warning gateway-certificate");
    expect((await doctor(dir, days(400))).unhealthy).toContain("error gateway-certificate");
    expect((await doctor(dir, days(365 * 19.5))).unhealthy).toEqual(
      expect.arrayContaining(["warning root-certificate", "error issuing-certificate"]),
    );
  });

  test("a certificate that was renewed is no concern any more", async () => {
    using authority = openAuthority(dir, { passphrase: "a passphrase", now: () => days(80) });
    await authority.renew({ id: "d1" });
    expect((await doctor(dir, days(80))).unhealthy).not.toContain("warning expiry");
  });

  test("a clock that runs behind what was recorded", async () => {
    const { exitCode, unhealthy } = await doctor(dir, days(-2));
    expect(exitCode).toBe(1);
    expect(unhealthy).toContain("error clock");
  });

  test("no PKI at all", async () => {
    expect(await doctor(join(scratch, "nothing"))).toMatchObject({
      exitCode: 1,
      unhealthy: ["error directory"],
    });
  });
});

test("it changes nothing", async () => {
  const before = readdirSync(dir).toSorted();
  await doctor();
  expect(
    readdirSync(dir)
      .filter((name) => !/-(wal|shm)$/.test(name))
      .toSorted(),
  ).toEqual(before);
});

function spoil(name: string, change: (text: string) => string): void {
  writeFileSync(join(dir, name), change(readFileSync(join(dir, name), "utf8")));
}

/** Whole lines are lost, the last line is there: PEM that no longer holds all of its key. */
function cutPem(text: string): string {
  return text.split("\n").toSpliced(3, 2).join("\n");
}

function writeBroker(bytes: string | Uint8Array): void {
  writeFileSync(join(dir, "broker.sqlite"), bytes, { mode: 0o600 });
}

/** The bytes of a database with some pages. */
function database(): Buffer {
  const path = join(scratch, `database-${count}`);
  const made = new DatabaseSync(path);
  made.exec("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (hex(randomblob(9000)))");
  made.close();
  return readFileSync(path);
}

function leave(name: string): void {
  const path = join(dir, `${name}${"0".repeat(16)}.tmp`);
  writeFileSync(path, "x", { mode: 0o600 });
  utimesSync(path, days(-1), days(-1));
}

async function doctor(directory = dir, now = new Date()) {
  const { exitCode, stdout } = await runCli(["doctor", "--dir", directory, "--json"], { now: () => now });
  const { findings } = JSON.parse(stdout);
  const unhealthy = findings
    .filter(({ level }: { level: string }) => level !== "ok")
    .map(({ level, check }: { level: string; check: string }) => `${level} ${check}`);
  return { exitCode, unhealthy: [...new Set<string>(unhealthy)] };
}
