import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";

/** What is left of a run of the lab that is told to end, or is killed, in any of its phases. */

const launcher = fileURLToPath(new URL("../../bin/sallyport.js", import.meta.url));
let scratch: string;
let running: ChildProcess | undefined;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-interruption-"));
  const made = spawnSync(process.execPath, [launcher, "mitm", "lab-ca", join(scratch, "lab")]);
  expect(made.status, String(made.stderr)).toBe(0);
});
afterEach(() => void running?.kill("SIGKILL"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A target that ends neither by SIGTERM nor by itself, and has a child; the file gets the ids of both. */
function stubborn(port: number, pids: string, listening = true): string {
  const listen = listening ? `require("node:net").createServer(() => {}).listen(${port}, "127.0.0.1");` : "";
  const script = join(scratch, `${port}.cjs`);
  writeFileSync(
    script,
    `const child = require("node:child_process").spawn("sleep", ["1000"]);
     process.on("SIGTERM", () => {});
     setInterval(() => {}, 1000);
     ${listen}
     require("node:fs").writeFileSync(${JSON.stringify(pids)}, process.pid + " " + child.pid);`,
  );
  return `${process.execPath} ${script}`;
}

function attack(port: number, ...args: string[]): { child: ChildProcess; said: () => string } {
  let text = "";
  const all = ["mitm", "gateway", `127.0.0.1:${port}`, "--lab-ca", join(scratch, "lab"), ...args];
  const child = spawn(process.execPath, [launcher, ...all]);
  child.stderr.on("data", (chunk) => (text += String(chunk)));
  child.stdout.on("data", (chunk) => (text += String(chunk)));
  running = child;
  return { child, said: () => text };
}

async function pidsIn(file: string): Promise<number[]> {
  await until(
    "the program has begun",
    () => existsSync(file) && readFileSync(file, "utf8").includes(" "),
    20_000,
  );
  return readFileSync(file, "utf8").split(" ").map(Number);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process whose parent has not asked for it yet is a line in a table.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe.skipIf(!existsSync("/proc/self/status"))(
  "the program that --start started, and its children",
  () => {
    test.each([
      ["SIGINT", ["SIGINT"]],
      ["SIGINT twice", ["SIGINT", "SIGINT"]],
      ["SIGHUP", ["SIGHUP"]],
      ["SIGKILL", ["SIGKILL"]],
    ] as const)("are gone after %s during the cases", async (_name, signals) => {
      const port = await freePort();
      const file = join(scratch, `${port}.pids`);
      const { child, said } = attack(port, "--case", "G-CERT", "--start", stubborn(port, file));
      const pids = await pidsIn(file);
      await until("the cases have begun", () => said().includes("cases of the catalogue"), 20_000);
      const exited = once(child, "exit");
      for (const signal of signals) child.kill(signal);
      await exited;
      await until("its processes are gone", () => !pids.some((pid) => lives(pid)), 20_000);
    });

    test("are gone after SIGINT before the target was ready", async () => {
      const port = await freePort();
      const file = join(scratch, `${port}.pids`);
      const { child, said } = attack(port, "--case", "G-CERT", "--start", stubborn(port, file, false));
      const pids = await pidsIn(file);
      const exited = once(child, "exit");
      child.kill("SIGINT");
      expect(await exited).toEqual([4, null]);
      expect(said()).toContain("was not ready yet when the lab was told to end");
      expect(pids.filter((pid) => lives(pid))).toEqual([]);
    });

    test("do not keep the lab from its end where they have left its process group", async () => {
      const port = await freePort();
      const file = join(scratch, `${port}.pids`);
      const command = `setsid sleep 1000 & echo "$! $!" > ${file}; exit 0`;
      const { child } = attack(port, "--case", "G-CERT", "--start", command);
      const [escaped = 0] = await pidsIn(file);
      try {
        expect(await once(child, "exit")).toEqual([4, null]);
      } finally {
        process.kill(escaped, "SIGKILL");
      }
    });

    test("are not started where another program is at the address already", async () => {
      const other = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
      await once(other, "listening");
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
      const { port } = other.address() as AddressInfo;
      const { child, said } = attack(port, "--case", "G-CERT", "--start", "exec sleep 1000");
      expect(await once(child, "exit")).toEqual([4, null]);
      expect(said()).toContain("another program is at its address already");
      other.close();
    });
  },
);

test("a stdout that is closed does not end it before it has undone what it did: it comes to its own end", async () => {
  const { child } = attack(await freePort(), "--case", "G-CERT-05");
  child.stdout?.destroy();
  // Nobody listens there, and nothing could be judged.
  expect(await once(child, "exit")).toEqual([6, null]);
});
