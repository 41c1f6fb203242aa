import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/run-cli.ts";
import { until } from "../support/until.ts";

/** The command as a process of its own: what a shell sees of it. */

const repository = fileURLToPath(new URL("../../", import.meta.url));
const launcher = join(repository, "bin/sallyport.js");
let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "sallyport-process-"))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function sallyport(...args: string[]) {
  return spawnSync(process.execPath, [launcher, ...args], {
    cwd: scratch,
    encoding: "utf8",
    env: plainEnvironment(),
  });
}

test("demo: every step as it should be, exit code 0, and its directory is gone", () => {
  const done = sallyport("demo");
  expect(done.status, done.stdout + done.stderr).toBe(0);
  expect(done.stdout.match(/^ok {2} /gm)).toHaveLength(10);
  const [, directory = ""] = /^in (\S+),/.exec(done.stdout) ?? [];
  expect(directory).not.toBe("");
  expect(readdirSync(tmpdir())).not.toContain(directory.split("/").at(-1));
  for (const reason of ["bad_signature", "client_id_mismatch", "topic_denied", "certificate_revoked"]) {
    expect(done.stdout).toContain(reason);
  }
});

test("demo --json: one JSON line for each step", async () => {
  const { exitCode, stdout } = await runCli(["demo", "--json"]);
  expect(exitCode).toBe(0);
  const steps = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(steps.map(({ step, ok }) => [step, ok])).toEqual(steps.map((_, index) => [index + 1, true]));
});

describe("start", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with exit code 0", async (signal) => {
    const child = spawn(process.execPath, [
      launcher,
      "start",
      "--mqtt-port",
      "0",
      "--dir",
      join(scratch, signal),
    ]);
    let text = "";
    child.stdout.on("data", (chunk) => (text += String(chunk)));
    while (!/ listen /.test(text)) await once(child.stdout, "data");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(text).toMatch(/ stopped /);
  });
});

test("no warning of Node's about SQLite, and no colours where no terminal is", () => {
  const init = sallyport("init");
  expect([init.status, init.stderr]).toEqual([0, ""]);
  const list = sallyport("device", "list");
  expect([list.status, list.stderr]).toEqual([0, ""]);
  expect(init.stdout + list.stdout + sallyport("--help").stdout).not.toContain("\u001b");
});

test("other warnings of Node's stay", () => {
  const main = JSON.stringify(join(repository, "cli/main.ts"));
  const script = `process.argv.push("--version"); await import(${main}); process.emitWarning("something else");`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: plainEnvironment(),
  });
  expect(done.stderr).toContain("Warning: something else");
});

test("a reader that goes away is no failure", () => {
  const command = `"${process.execPath}" "${launcher}" audit export | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const done = spawnSync("bash", ["-c", command], {
    cwd: scratch,
    encoding: "utf8",
    env: plainEnvironment(),
  });
  expect([done.stdout.trim().split("\n").at(-1), done.stderr]).toEqual(["0", ""]);
});

test("an outdated Node is told what to do", () => {
  const source = readFileSync(launcher, "utf8");
  const script = source
    .replace("process.versions.node", '"20.20.2"')
    .replaceAll("import.meta.url", JSON.stringify(`file://${launcher}`));
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script.replace(/^#!.*\n/, "")], {
    encoding: "utf8",
  });
  expect(done.status).toBe(1);
  expect(done.stderr).toMatch(/Node 24 or later is needed/);
});

function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NODE_|FORCE_COLOR|VITEST)/.test(name)),
  );
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "demo: %s ends it as a signal does, and its directory is gone",
  async (signal) => {
    const child = spawn(process.execPath, [launcher, "demo"]);
    let text = "";
    child.stdout.on("data", (chunk) => (text += String(chunk)));
    while (!/provision/.test(text)) await once(child.stdout, "data");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([null, signal]);
    const [, directory = ""] = /^in (\S+),/.exec(text) ?? [];
    expect(directory).not.toBe("");
    expect(existsSync(directory)).toBe(false);
  },
);

describe("connect, while the gateway says nothing", () => {
  const dir = () => join(scratch, "silent");
  beforeAll(() => {
    expect(sallyport("init", "--dir", dir()).status).toBe(0);
    expect(sallyport("device", "add", "d1", "--dir", dir()).status).toBe(0);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends it at once over DTLS", async (signal) => {
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const heard = once(silent, "message");
    const child = connect(silent.address().port, "--transport", "dtls", "--echo", "hello");
    await heard;
    child.kill(signal);
    // Far sooner than --timeout, which is 30 s.
    expect(await once(child, "exit", { signal: AbortSignal.timeout(5000) })).toEqual([0, null]);
    silent.close();
  });

  test("SIGINT ends it at once over MQTT", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const heard = once(silent, "connection");
    const address = silent.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const child = connect(port, "--publish", "devices/d1/up/x");
    await heard;
    child.kill("SIGINT");
    expect(await once(child, "exit", { signal: AbortSignal.timeout(5000) })).toEqual([0, null]);
    silent.close();
  });

  function connect(port: number, ...args: string[]) {
    const gateway = ["--gateway", `127.0.0.1:${port}`, "--dir", dir()];
    return spawn(process.execPath, [launcher, "connect", "d1", ...gateway, ...args], { stdio: "ignore" });
  }
});

describe.skipIf(!existsSync("/dev/full"))("standard output on a full disk", () => {
  test("a verb says so in one line, exit code 4", () => {
    const full = openSync("/dev/full", "w");
    const done = spawnSync(process.execPath, [launcher, "init", "--dir", join(scratch, "full"), "--json"], {
      encoding: "utf8",
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    expect(done.status).toBe(4);
    expect(JSON.parse(done.stderr)).toMatchObject({ error: { code: "CLI_OUTPUT", exitCode: 4 } });
  });

  test("the gateway goes on, and says once that events are lost", async () => {
    const dir = join(scratch, "full-start");
    expect(sallyport("init", "--dir", dir).status).toBe(0);
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [launcher, "start", "--dir", dir, "--mqtt-port", "0"], {
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    let text = "";
    child.stderr?.on("data", (chunk) => (text += String(chunk)));
    await until("a note", () => /events cannot be written/.test(text));
    // Another event that cannot be written: a gateway certificate that is taken up.
    expect(sallyport("gateway", "renew", "--dir", dir).status).toBe(0);
    child.kill("SIGHUP");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(text.match(/events cannot be written/g)).toHaveLength(1);
  });
});
