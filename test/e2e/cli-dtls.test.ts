import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, type RunningCli, runCli, startCli } from "../support/run-cli.ts";

/** DTLS from the command line: `start`, and `connect --transport dtls --echo`. */

let scratch: string;
let dir: string;
let gateway: RunningCli;
let port: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-cli-dtls-"));
  dir = join(scratch, "certs");
  gateway = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", dir]);
  [, port = ""] = await gateway.waitFor(/listen {4}mutual DTLS \(UDP\) on 127\.0\.0\.1:(\d+)/);
  expect((await cli("device", "add", "d1")).exitCode).toBe(0);
});

afterAll(async () => {
  gateway.signal("SIGTERM");
  await gateway.done;
  rmSync(scratch, { recursive: true, force: true });
});

function cli(...args: string[]): Promise<CliResult> {
  return runCli([...args, "--dir", dir]);
}

function echo(...args: string[]): Promise<CliResult> {
  return cli("connect", "d1", "--transport", "dtls", "--gateway", `localhost:${port}`, ...args);
}

function codeIn({ stderr }: CliResult): string {
  return JSON.parse(stderr).error.code;
}

describe("connect --transport dtls", () => {
  test("gets back what it sends, and the gateway's terminal shows the device", async () => {
    const { exitCode, stdout, stderr } = await echo("--echo", "hello");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^connected to localhost:\d+ as d1, over DTLS\nhello {2}5 bytes there and back in \d+ ms\n$/,
    );
    await gateway.waitFor(/session {3}device d1 over DTLS connected from 127\.0\.0\.1/);
    await gateway.waitFor(/session {3}device d1 over DTLS ended, client_disconnect/);
  });

  test("--json prints lines for programs", async () => {
    const { exitCode, stdout } = await echo("--echo", "grüße", "--json");
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(exitCode).toBe(0);
    expect(lines).toEqual([
      { type: "connected", transport: "dtls", gateway: `localhost:${port}`, deviceId: "d1" },
      { type: "echo", payload: "grüße", ms: expect.any(Number) },
    ]);
  });

  test("takes the gateway's pin, and refuses another with exit code 3", async () => {
    const pins = JSON.parse((await cli("gateway", "show", "--json")).stdout).pins;
    expect((await echo("--echo", "x", "--pin", pins.gateway)).exitCode).toBe(0);
    const other = await echo(
      "--echo",
      "x",
      "--json",
      "--pin",
      `sha256/${Buffer.alloc(32).toString("base64")}`,
    );
    expect([other.exitCode, codeIn(other)]).toEqual([3, "DEVICE_PIN_MISMATCH"]);
  });

  test("a gateway of another name is exit code 3, and the message says what to do", async () => {
    const { exitCode, stderr } = await echo("--echo", "x", "--server-name", "elsewhere.example");
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/elsewhere\.example.*gateway renew --gateway-name.*DEVICE_GATEWAY_NAME_MISMATCH/s);
  });

  test("nobody there is exit code 5 after --timeout, and a name without an address 4", async () => {
    const closed = createSocket("udp4");
    closed.bind(0, "127.0.0.1");
    await once(closed, "listening");
    const silent = `localhost:${closed.address().port}`;
    const none = await cli(
      "connect",
      "d1",
      "--transport",
      "dtls",
      "--gateway",
      silent,
      "--echo",
      "x",
      "--timeout",
      "1",
      "--json",
    );
    closed.close();
    expect([none.exitCode, codeIn(none)]).toEqual([5, expect.stringMatching(/^(CLI|DEVICE)_TIMEOUT$/)]);
    const nowhere = await cli(
      "connect",
      "d1",
      "--transport",
      "dtls",
      "--gateway",
      "no-such-host.invalid",
      "--echo",
      "x",
      "--json",
    );
    expect([nowhere.exitCode, codeIn(nowhere)]).toEqual([4, "DEVICE_UNREACHABLE"]);
  });

  test("a revoked device is exit code 3, and the gateway's terminal has the reason", async () => {
    expect((await cli("device", "add", "lost")).exitCode).toBe(0);
    const to = ["connect", "lost", "--transport", "dtls", "--gateway", `localhost:${port}`, "--echo", "x"];
    expect((await cli(...to)).exitCode).toBe(0);
    expect((await cli("device", "revoke", "lost")).exitCode).toBe(0);
    const refused = await cli(...to, "--json");
    expect([refused.exitCode, codeIn(refused)]).toEqual([3, "DEVICE_REFUSED"]);
    await gateway.waitFor(/refused {3}certificate_revoked: .*, 127\.0\.0\.1 over DTLS, lost/);
  });

  test.each([
    [["--publish", "a/b"], /--publish/],
    [["--subscribe", "a/#", "--count", "1"], /--subscribe, --count/],
    [["--message", "x", "--message-file", "y"], /--message, --message-file/],
    [["--keep-session", "--client-id", "d1/x", "--retain"], /--retain, --client-id, --keep-session/],
  ])("options of MQTT are a usage error: %j", async (args, names) => {
    const { exitCode, stderr } = await echo("--echo", "x", ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(names);
  });

  test.each([[[]], [["--echo", ""]]])("without a text it is a usage error: %j", async (args) => {
    const { exitCode, stderr } = await echo(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("--echo TEXT")]);
  });

  test("--echo without it is a usage error, and so is a transport that nobody knows", async () => {
    expect((await cli("connect", "d1", "--echo", "x")).exitCode).toBe(2);
    expect((await cli("connect", "d1", "--transport", "quic", "--echo", "x")).exitCode).toBe(2);
  });

  test("a text that no datagram takes is a usage error", async () => {
    const { exitCode, stderr } = await echo("--echo", "x".repeat(20_000));
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/at most 1152 bytes, and --echo has 20000/),
    ]);
  });
});

describe("start", () => {
  test("--no-dtls opens no UDP port, and says nothing of one", async () => {
    const other = join(scratch, "without");
    const running = startCli(["start", "--mqtt-port", "0", "--no-dtls", "--dir", other]);
    await running.waitFor(/listen/);
    running.signal("SIGTERM");
    expect((await running.done).stdout).not.toMatch(/DTLS|--transport dtls/);
  });

  test('"dtlsPort": false in sallyport.json does the same, and a port there is the one that is opened', async () => {
    const other = join(scratch, "settings");
    expect((await runCli(["init", "--dir", other])).exitCode).toBe(0);
    writeFileSync(join(other, "sallyport.json"), '{ "dtlsPort": false }');
    const off = startCli(["start", "--mqtt-port", "0", "--dir", other]);
    await off.waitFor(/listen/);
    off.signal("SIGTERM");
    expect((await off.done).stdout).not.toMatch(/DTLS/);

    writeFileSync(join(other, "sallyport.json"), '{ "dtlsPort": 0 }');
    const on = startCli(["start", "--mqtt-port", "0", "--dir", other]);
    await on.waitFor(/mutual DTLS/);
    on.signal("SIGTERM");
    await on.done;
  });

  test("a port that was named and is taken is exit code 4, and nothing is left running", async () => {
    const other = join(scratch, "taken");
    const started = await runCli([
      "start",
      "--mqtt-port",
      "0",
      "--dtls-port",
      port,
      "--dir",
      other,
      "--json",
    ]);
    expect(started.exitCode).toBe(4);
    expect(started.stderr).toMatch(/CLI_PORT_IN_USE.*--dtls-port|--dtls-port.*CLI_PORT_IN_USE/s);
  });

  test("the default port that is taken is a warning: MQTT runs all the same", async () => {
    // An address of its own: on 127.0.0.1 other tests need the port.
    const host = "127.0.0.84";
    const holder = createSocket("udp4");
    holder.bind({ port: 5684, address: host, exclusive: true });
    await once(holder, "listening");
    const directory = join(scratch, "default");
    const running = startCli(["start", "--host", host, "--mqtt-port", "0", "--dir", directory, "--json"]);
    await running.waitFor(/"type":"warning","detail":"there is no DTLS: UDP port 5684 on 127\.0\.0\.84/);
    expect(running.stdout()).toMatch(/"type":"listening","transport":"mqtt"/);
    running.signal("SIGTERM");
    expect((await running.done).exitCode).toBe(0);
    holder.close();
  });

  test("--dtls-port with --no-dtls is a usage error", async () => {
    const both = await runCli(["start", "--dtls-port", "0", "--no-dtls", "--dir", join(scratch, "both")]);
    expect(both.exitCode).toBe(2);
    expect(existsSync(join(scratch, "both", "inventory.sqlite"))).toBe(false);
  });

  test("doctor finds the switch that lets old clients in", async () => {
    const other = join(scratch, "weak");
    expect((await runCli(["init", "--dir", other])).exitCode).toBe(0);
    const settings = join(other, "sallyport.json");
    writeFileSync(settings, '{ "dangerouslyAllowMissingExtendedMasterSecret": true }');
    const { exitCode, stdout } = await runCli(["doctor", "--dir", other]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("sets dangerouslyAllowMissingExtendedMasterSecret");
    expect(readFileSync(settings, "utf8")).toContain("true");
  });

  test("doctor finds kept associations that others may read", async () => {
    const other = join(scratch, "kept");
    expect((await runCli(["init", "--dir", other])).exitCode).toBe(0);
    writeFileSync(join(other, "dtls-associations.key"), "x", { mode: 0o644 });
    const { exitCode, stdout } = await runCli(["doctor", "--dir", other]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/dtls-associations\.key can be read or changed by other users/);
  });
});
