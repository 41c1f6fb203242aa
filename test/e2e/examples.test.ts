import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningCli, runCli, startCli } from "../support/run-cli.ts";

/** The programs of examples/, run as a reader would run them. */

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
let scratch: string;
let dir: string;
let gateway: RunningCli;
let port: string;
let dtlsPort: string;
const programs: ChildProcess[] = [];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-examples-"));
  dir = join(scratch, "certs");
  gateway = startCli(["start", "--mqtt-port", "0", "--dtls-port", "0", "--dir", dir]);
  [, port = ""] = await gateway.waitFor(/listen .*TLS on .*:(\d+)/);
  [, dtlsPort = ""] = await gateway.waitFor(/listen .*DTLS .*:(\d+)/);
  await ok("device", "add", "thermometer-1", "--dir", dir);
  await ok("operator", "add", "backend", "--dir", dir);
});

afterAll(async () => {
  for (const program of programs) await interrupt(program);
  gateway.signal("SIGTERM");
  await gateway.done;
  rmSync(scratch, { recursive: true, force: true });
});

test("each example fits on a page", () => {
  for (const name of readdirSync(examples).filter((file) => file.endsWith(".ts"))) {
    expect(readFileSync(join(examples, name), "utf8").split("\n").length, name).toBeLessThanOrEqual(41);
  }
});

test("device.ts and subscribe-as-operator.ts talk to each other", async () => {
  const place = [`localhost:${port}`, join(dir, "devices")];
  const operator = start("subscribe-as-operator.ts", "backend", ...place);
  await operator.waitFor(/subscribed/);
  const device = start("device.ts", "thermometer-1", ...place);
  await device.waitFor(/published 2\d\.\d\d/);
  await operator.waitFor(/thermometer-1 temperature: 2\d\.\d\d/);
  await device.waitFor(/devices\/thermometer-1\/down\/seen temperature/);
  expect(await interrupt(device.process)).toBe(0);
  expect(await interrupt(operator.process)).toBe(0);
});

test("dtls-device.ts talks to the gateway over DTLS, and through its restart", async () => {
  const device = start("dtls-device.ts", "thermometer-1", `localhost:${dtlsPort}`, join(dir, "devices"));
  await device.waitFor(/connected, messages have at most \d+ bytes/);
  await device.waitFor(/back: 2\d\.\d\d/);
  gateway.signal("SIGTERM");
  await gateway.done;
  gateway = startCli(["start", "--mqtt-port", port, "--dtls-port", dtlsPort, "--dir", dir]);
  await gateway.waitFor(/session {3}device thermometer-1 over DTLS connected/);
  device.forget();
  await device.waitFor(/back: 2\d\.\d\d/);
  // The same session as before: the new gateway took it over.
  expect(device.text()).not.toContain("connected again");
  expect(await interrupt(device.process)).toBe(0);
});

test("dtls-echo.ts is a server for it", async () => {
  const other = join(scratch, "echo");
  await ok("init", "--dir", other);
  await ok("device", "add", "meter-1", "--dir", other);
  const server = start("dtls-echo.ts", other, "0");
  const [, own = ""] = await server.waitFor(/listening on .*port: (\d+)/s);
  const to = ["--dir", other, "--transport", "dtls", "--gateway", `localhost:${own}`];
  await ok("connect", "meter-1", "--echo", "hello", ...to);
  expect(await interrupt(server.process)).toBe(0);
});

test("embed-gateway.ts is a gateway of its own", async () => {
  const other = join(scratch, "embedded");
  await ok("init", "--dir", other);
  await ok("device", "add", "meter-1", "--dir", other);
  const program = start("embed-gateway.ts", other, "0");
  const [, own = ""] = await program.waitFor(/listening on (\d+)/);
  const to = ["--dir", other, "--gateway", `localhost:${own}`];
  await ok("connect", "meter-1", "--publish", "meters/meter-1/readings", "--message", "17", ...to);
  await program.waitFor(/meter-1 sent 2 bytes to meters\/meter-1\/readings/);
  expect(await interrupt(program.process)).toBe(0);
});

function start(name: string, ...args: string[]) {
  const options = ["--disable-warning=ExperimentalWarning", join(examples, name), ...args];
  const program = spawn(process.execPath, options, { stdio: ["ignore", "pipe", "pipe"] });
  programs.push(program);
  let text = "";
  for (const stream of [program.stdout, program.stderr])
    stream.on("data", (chunk) => (text += String(chunk)));
  return {
    process: program,
    text: () => text,
    /** What was said so far. */
    forget: () => {
      text = "";
    },
    async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        if (Date.now() > deadline || program.exitCode !== null)
          throw new Error(`${pattern} did not come: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

async function interrupt(program: ChildProcess): Promise<number | null> {
  if (program.exitCode === null) {
    const exited = once(program, "exit");
    program.kill("SIGINT");
    await exited;
  }
  return program.exitCode;
}

async function ok(...args: string[]): Promise<void> {
  const result = await runCli(args);
  expect(result.exitCode, result.stderr).toBe(0);
}
