import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPrivateKeyFile } from "../../pki/index.ts";
import { type RunningCli, runCli, startCli } from "../support/run-cli.ts";
import { until } from "../support/until.ts";

/** `sallyport start` and what is done beside it, as in the README's two terminals. */

let scratch: string;
let dir: string;
let gateway: RunningCli;
let port: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-start-"));
  dir = join(scratch, "certs");
  gateway = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", dir]);
  [, port = ""] = await gateway.waitFor(/listen {4}mqtt over mutual TLS on [\d.]+:(\d+)/);
  for (const id of ["meter-1", "meter-2", "meter-3", "meter-4"]) await ok("device", "add", id);
  await ok("operator", "add", "alice");
});

afterAll(async () => {
  gateway.signal("SIGTERM");
  expect((await gateway.done).exitCode).toBe(0);
  rmSync(scratch, { recursive: true, force: true });
});

describe("the first start", () => {
  test("says what it made, what to back up and what to type next", () => {
    const text = gateway.stdout();
    for (const part of ["root.key.pem", "issuing.key.pem", "inventory.sqlite", "sallyport doctor"]) {
      expect(text).toContain(part);
    }
    expect(text).toContain(`npx sallyport device add thermometer-1 --dir ${dir}`);
    expect(text).toContain(`--gateway localhost:${port} --publish devices/thermometer-1/up/temperature`);
  });

  test("makes a passphrase that opens the root key, shows it once, and stores it nowhere", () => {
    const made = gateway.stdout().match(/^ {2}((?:[a-z2-9]{5}-){5}[a-z2-9]{5})$/gm) ?? [];
    expect(made).toHaveLength(1);
    const passphrase = made[0]?.trim() ?? "";
    const key = readPrivateKeyFile(join(dir, "root.key.pem"), { passphrase });
    expect(key.asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const file of files) {
      expect(readFileSync(join(file.parentPath, file.name)).includes(passphrase), file.name).toBe(false);
    }
  });
});

describe("devices beside it", () => {
  test("a message of a device arrives", async () => {
    const topic = "devices/meter-1/up/energy";
    const sent = await ok("connect", "meter-1", "--publish", topic, "--message", "17", "--gateway", at());
    expect(sent.stdout).toMatch(/published 2 bytes to devices\/meter-1\/up\/energy, acknowledged/);
    await gateway.waitFor(/message {3}devices\/meter-1\/up\/energy, 2 bytes, QoS 1, from meter-1/);
  });

  test("an operator receives it, as JSON lines", async () => {
    const args = [
      "connect",
      "alice",
      "--subscribe",
      "devices/#",
      "--count",
      "1",
      "--json",
      "--gateway",
      at(),
    ];
    const alice = startCli([...args, "--dir", dir]);
    await alice.waitFor(/"type":"subscribed"/);
    await ok(
      "connect",
      "meter-1",
      "--publish",
      "devices/meter-1/up/x",
      "--message",
      "é\u001b[2J",
      "--gateway",
      at(),
    );
    const { exitCode, stdout } = await alice.done;
    expect(exitCode).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines.at(-1)).toEqual({
      type: "message",
      topic: "devices/meter-1/up/x",
      payload: "é\u001b[2J",
      qos: 1,
      retain: false,
    });
  });

  test.each([
    [
      "another's topic",
      ["--publish", "devices/meter-2/up/x", "--message", "1"],
      /^CLI_REFUSED$/,
      /topic_denied/,
    ],
    ["another's client id", ["--client-id", "meter-2"], /^DEVICE_REFUSED$/, /client_id_mismatch/],
    [
      "another's messages",
      ["--subscribe", "devices/#"],
      /^DEVICE_SUBSCRIBE_REFUSED$|^CLI_REFUSED$/,
      /filter_denied/,
    ],
  ])("%s: exit code 3, and the gateway says why", async (_what, args, code, reason) => {
    const result = await cli("connect", "meter-1", "--gateway", at(), "--json", ...args);
    expect(result.exitCode, result.stderr).toBe(3);
    expect(JSON.parse(result.stderr).error.code).toMatch(code);
    await gateway.waitFor(reason);
  });

  test("a pin that is not the gateway's: exit code 3, and the right one is good", async () => {
    const wrong = `sha256/${Buffer.alloc(32, 7).toString("base64")}`;
    const refused = await cli("connect", "meter-1", "--gateway", at(), "--pin", wrong, "--json");
    expect(JSON.parse(refused.stderr).error).toMatchObject({ code: "DEVICE_PIN_MISMATCH", exitCode: 3 });
    const { pins } = JSON.parse((await ok("gateway", "show", "--json")).stdout);
    await ok("connect", "meter-1", "--gateway", at(), "--pin", pins.gateway);
    await ok("connect", "meter-1", "--gateway", at(), "--pin", wrong, "--pin", pins.issuing);
  });

  test("messages that do not come: exit code 5", async () => {
    const nothing = ["--subscribe", "devices/meter-1/down/#", "--count", "1", "--timeout", "1"];
    const result = await cli("connect", "meter-1", "--gateway", at(), ...nothing);
    expect(result).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("CLI_TIMEOUT") });
    expect(result.stderr).toContain("the gateway or the message took");
  });
});

describe("changes while it runs", () => {
  test("a revocation ends the live session within a second, and the device stays out", async () => {
    const live = startCli([
      "connect",
      "meter-3",
      "--subscribe",
      "devices/meter-3/down/#",
      "--gateway",
      at(),
      "--dir",
      dir,
    ]);
    await live.waitFor(/subscribed/);
    await ok("device", "revoke", "meter-3", "--reason", "keyCompromise");
    const revoked = performance.now();
    await gateway.waitFor(/meter-3\/\S+ ended, certificate_revoked/, 1000);
    expect(performance.now() - revoked).toBeLessThan(1000);
    expect((await live.done).exitCode).toBe(3);
    expect((await cli("connect", "meter-3", "--gateway", at())).exitCode).toBe(3);
    await gateway.waitFor(/refused {3}certificate_revoked/);
  });

  test("a renewed gateway certificate and a changed access.json are taken up, and sessions stay", async () => {
    const live = startCli([
      "connect",
      "meter-4",
      "--subscribe",
      "devices/meter-4/down/#",
      "--gateway",
      at(),
      "--dir",
      dir,
    ]);
    await live.waitFor(/subscribed/);
    const before = JSON.parse((await ok("gateway", "show", "--json")).stdout);
    const after = JSON.parse((await ok("gateway", "renew", "--json")).stdout);
    expect(after.pins.gateway).not.toBe(before.pins.gateway);
    await gateway.waitFor(/reload {4}1 sessions kept, 0 closed/);
    await ok("connect", "meter-1", "--gateway", at(), "--pin", after.pins.gateway);

    await ok("device", "add", "pump-1", "--group", "pumps");
    const alarm = ["connect", "pump-1", "--gateway", at(), "--publish", "alarms/pumps", "--message", "1"];
    expect((await cli(...alarm)).exitCode).toBe(3);
    writeFileSync(join(dir, "access.json"), '{ "groups": { "pumps": { "publish": ["alarms/{group}"] } } }');
    await gateway.waitFor(/(reload[^]*){2}/);
    await ok(...alarm);
    live.signal("SIGINT");
    expect((await live.done).exitCode).toBe(0);
  });

  test("an access.json that is wrong is said so, and the one before stays in use", async () => {
    writeFileSync(join(dir, "access.json"), '{ "group": {} }');
    await gateway.waitFor(/warning {2}.*access\.json: access\.group is not known.*\(CLI_ACCESS_FILE\)/);
    await ok("connect", "pump-1", "--gateway", at(), "--publish", "alarms/pumps", "--message", "2");
    writeFileSync(join(dir, "access.json"), '{ "groups": {} }');
    expect(await gateway.waitFor(/warning[^]*reload/)).toBeTruthy();
  });

  test.each([
    ["empty", () => ""],
    ["cut off", (whole: string) => whole.slice(0, whole.length - 100)],
  ])(
    "a gateway certificate that is %s is said so, and the one before stays in use",
    async (_name, damage) => {
      const path = join(dir, "gateway.cert.pem");
      const whole = readFileSync(path, "utf8");
      const before = gateway.stdout().length;
      writeFileSync(path, damage(whole));
      gateway.signal("SIGHUP");
      await until("a warning", () =>
        /not taken up.*gateway\.cert\.pem.*PKI_PEM_MALFORMED/.test(gateway.stdout().slice(before)),
      );
      await ok("connect", "meter-4", "--publish", "devices/meter-4/up/x", "--gateway", at());
      writeFileSync(path, whole);
    },
  );

  test("SIGHUP reloads", async () => {
    const reloads = gateway.stdout().match(/ reload /g)?.length ?? 0;
    gateway.signal("SIGHUP");
    expect(await gateway.waitFor(new RegExp(`( reload [^]*){${reloads + 1}}`))).toBeTruthy();
  });

  test("a second gateway on the same directory is told so", async () => {
    const second = await cli("start", "--mqtt-port", "0", "--dtls-port", "0", "--json");
    expect(second.exitCode).toBe(4);
    expect(JSON.parse(second.stderr).error.code).toBe("GATEWAY_STATE_LOCKED");
  });
});

test("start --crl: a list beside the inventory is consulted, and taken up when it changes", async () => {
  const other = join(scratch, "with-crl");
  await runCli(["init", "--dir", other]);
  for (const id of ["d1", "d2"]) await runCli(["device", "add", id, "--dir", other]);
  const list = join(scratch, "beside.crl.pem");
  copyFileSync(join(other, "crl.pem"), list);
  const running = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", other, "--crl", list]);
  const [, its = ""] = await running.waitFor(/listen .*:(\d+)/);
  const connectAs = (id: string) => runCli(["connect", id, "--dir", other, "--gateway", `localhost:${its}`]);
  expect((await connectAs("d1")).exitCode).toBe(0);
  // The list alone says it: another CA directory, a copy, revoked d1; this gateway's inventory did not.
  const copy = join(scratch, "with-crl-copy");
  cpSync(other, copy, { recursive: true, filter: (source) => !source.includes("broker.sqlite") });
  await runCli(["device", "revoke", "d1", "--dir", copy]);
  copyFileSync(join(copy, "crl.pem"), list);
  await running.waitFor(/ reload /);
  expect((await connectAs("d1")).exitCode).toBe(3);
  await running.waitFor(/refused {3}certificate_revoked/);
  expect((await connectAs("d2")).exitCode).toBe(0);
  running.signal("SIGTERM");
  expect((await running.done).exitCode).toBe(0);
});

test.each([
  ["replaced by a restored one", (path: string) => renameSync(`${path}.restored`, path)],
  ["removed", (path: string) => rmSync(path)],
])("an inventory that is %s ends the gateway: it would not hear of revocations", async (_name, change) => {
  const own = join(scratch, `inventory-${_name.length}`);
  cpSync(dir, own, { recursive: true, filter: (path) => !path.includes("broker.sqlite") });
  const path = join(own, "inventory.sqlite");
  const running = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", own]);
  await running.waitFor(/ listen /);
  copyFileSync(path, `${path}.restored`);
  change(path);
  expect(await running.done).toMatchObject({
    exitCode: 4,
    stderr: expect.stringMatching(/inventory\.sqlite was moved, removed or replaced.*CLI_DATABASE/),
  });
});

test("start --json: JSON lines only, the made passphrase in the first, and a clean stop at SIGINT", async () => {
  const other = join(scratch, "other");
  const running = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", other, "--json"]);
  await running.waitFor(/"type":"listening"/);
  running.signal("SIGINT");
  const { exitCode, stdout, stderr } = await running.done;
  expect([exitCode, stderr]).toEqual([0, ""]);
  const types = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).type);
  expect(types).toEqual(["pki.made", "listening", "listening", "closed"]);
  expect(JSON.parse(stdout.split("\n")[0] ?? "").rootPassphrase).toMatch(/^[a-z2-9-]{35}$/);
});

function at(): string {
  return `localhost:${port}`;
}

async function cli(...args: string[]) {
  return await runCli([...args, "--dir", dir]);
}

async function ok(...args: string[]) {
  const result = await cli(...args);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}
