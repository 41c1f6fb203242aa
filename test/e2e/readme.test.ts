import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/**
 * Every command that README.md and the guides show, run as it stands, in the order shown, in a copy of the clone with
 * a gateway running as the README has it started. `npm ci` is spared: the copy shares node_modules.
 */

const repository = fileURLToPath(new URL("../../", import.meta.url));
/** Its commands attack targets, weak ones among them: what they find stands in its tables. */
const labGuide = "docs/guides/run-mitm-tests.md";
const documents = [
  "README.md",
  "docs/guides/provision-devices.md",
  "docs/guides/connect-over-mqtt.md",
  "docs/guides/connect-over-dtls.md",
  "docs/guides/rotate-and-revoke.md",
  "docs/guides/add-an-attack.md",
  labGuide,
];
const parts = [
  "bin",
  "cli",
  "dtls",
  "mitm",
  "pki",
  "gateway",
  "device-client",
  "examples",
  "package.json",
  "package-lock.json",
  ".npmrc",
];
const portBusy = (await answers(8883)) || (await isTaken(5684));

let clone: string;
let running: ChildProcess | undefined;

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "sallyport-readme-"));
  for (const part of parts) cpSync(join(repository, part), join(clone, part), { recursive: true });
  symlinkSync(join(repository, "node_modules"), join(clone, "node_modules"));
  makeAcmeCa();
});

afterAll(async () => {
  await stopRunning();
  rmSync(clone, { recursive: true, force: true });
});

test("README.md: the first block is the two lines that run the gateway and the tests", () => {
  const [first] = blocks("README.md", "sh");
  expect(first).toEqual(["npm ci && npm start", "npm ci && npm test"]);
});

describe.skipIf(portBusy)(
  `the documents' commands${portBusy ? " (skipped: port 8883 or 5684 is in use)" : ""}`,
  () => {
    for (const document of documents) {
      describe(document, () => {
        if (document === labGuide) return declareLabGuide();
        for (const line of blocks(document, "sh").flat()) declare(line);
        for (const block of blocks(document, "ts"))
          test("the program runs", () => expect(runProgram(block.join("\n"))).toBe(""));
      });
    }
  },
);

function declare(line: string): void {
  const missing = ["openssl", "mosquitto_pub", "gnutls-serv"].find(
    (program) => (line.startsWith(program) || line.includes(`exec ${program}`)) && !isInstalled(program),
  );
  if (missing !== undefined) return test.skip(`${line} (${missing} is not installed)`);
  if (line.includes("acme-ca.p12") && !isInstalled("openssl"))
    return test.skip(`${line} (openssl makes its input)`);
  test(line, { timeout: 180_000 }, async () => expect(await runLine(line)).toBeUndefined());
}

/** The lab's guide: a block of commands, and the table after it that says what they found. */
function declareLabGuide(): void {
  const text = readFileSync(join(repository, labGuide), "utf8");
  for (const [, commands = "", after = ""] of text.matchAll(
    /^```sh\n(.*?)^```$(.*?)(?=^```sh|$(?![^]))/gms,
  )) {
    const lines = commands.split("\n").filter((line) => line !== "");
    const found = new Map<string, readonly string[]>();
    for (const line of lines) {
      const missing = missingIn(line);
      test.skipIf(missing !== undefined)(
        `${line}${missing === undefined ? "" : ` (skipped: ${missing} is not installed)`}`,
        { timeout: 240_000 },
        () => {
          const { status, stdout, stderr } = runShell(line, 230_000);
          expect(status, `${stdout}\n${stderr}`).toBe(line.includes("--start") ? 1 : 0);
          found.set(
            line,
            [...stdout.matchAll(/^BROKEN \S+ +(\S+)\//gm)].map((match) => match[1] ?? ""),
          );
        },
      );
    }
    for (const [, cell = ""] of after.matchAll(/^\| ([^|]*[A-Z]-[A-Z\d][^|]*) \|/gm)) {
      const words = /^`([^`]+)`/.exec(cell)?.[1]?.split(" ") ?? [];
      const command = lines.find((line) => words.every((word) => line.includes(word)));
      test.skipIf(command !== undefined && missingIn(command) !== undefined)(`was found: ${cell}`, () => {
        const ids = [...cell.matchAll(/\b[A-Z](?:-CERT)?-\d+[a-z]?/g)].map(([id]) => id);
        expect(ids).not.toEqual([]);
        expect(found.get(command ?? "")).toEqual(expect.arrayContaining(ids));
      });
    }
  }
}

/** The program that a command of the lab's guide starts, where it is not installed. */
function missingIn(line: string): string | undefined {
  return ["openssl", "gnutls-serv"].find(
    (program) => line.includes(`exec ${program} `) && !isInstalled(program),
  );
}

async function runLine(line: string): Promise<void> {
  const command = line.replace(/^npm ci && /, "");
  // The suite that is running, which includes this test.
  if (command === "npm test") return;
  if (!/^npm start|sallyport start/.test(command)) return runToEnd(command);
  // One gateway at a time uses a state directory. The one of `npm start` serves the commands after it.
  await stopRunning();
  await startGateway(command);
  if (command === "npm start") return;
  await stopRunning();
  await startGateway("npm start");
}

async function startGateway(command: string): Promise<void> {
  const child = spawn("bash", ["-c", `exec ${command}`], {
    cwd: clone,
    env: shellEnvironment(),
    detached: true,
  });
  running = child;
  await output(child, /^\S+ {2}listen/m);
}

async function stopRunning(): Promise<void> {
  if (running !== undefined) await stop(running);
  running = undefined;
}

function runToEnd(command: string): void {
  const done = runShell(command, 170_000);
  expect(done.status, `${command}\n${done.stdout}\n${done.stderr}`).toBe(0);
}

function runShell(command: string, timeout: number) {
  return spawnSync("bash", ["-ec", command], {
    cwd: clone,
    env: shellEnvironment(),
    encoding: "utf8",
    timeout,
  });
}

/** Returns what the program says on stderr. */
function runProgram(text: string): string {
  const file = join(clone, "program.ts");
  writeFileSync(file, text.replaceAll(/"sallyport\/(device-client|dtls)"/g, `"${clone}/$1/index.ts"`));
  const options = ["--disable-warning=ExperimentalWarning", file];
  const done = spawnSync(process.execPath, options, { cwd: clone, encoding: "utf8", timeout: 20_000 });
  return done.status === 0 ? done.stderr : `exit code ${done.status}: ${done.stderr}`;
}

/** The shell of somebody who has just cloned: no node_modules/.bin in PATH, whatever Node the machine has. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const path = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    PATH: path.join(":"),
    npm_config_cache: join(clone, ".npm-cache"),
    npm_config_update_notifier: "false",
  };
}

/** The lines of a document's fenced blocks of one language. */
function blocks(document: string, language: string): string[][] {
  const text = readFileSync(join(repository, document), "utf8");
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map((found) =>
    (found[1] ?? "").split("\n").filter((line) => line.trim() !== ""),
  );
}

async function output(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = "";
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

/** npm does not hand signals on to what it runs: the whole group gets it, as at a terminal. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  process.kill(-child.pid, "SIGTERM");
  await exited;
}

/** The CA "that you already have" of the guide. */
function makeAcmeCa(): void {
  if (!isInstalled("openssl")) return;
  writeFileSync(join(clone, "acme.pass"), "acme\n", { mode: 0o600 });
  const script = `openssl req -x509 -newkey rsa:3072 -noenc -subj "/O=Acme/CN=Acme Root" -days 3650 -keyout acme.key -out acme.pem \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>&1 &&
    openssl pkcs12 -export -inkey acme.key -in acme.pem -out acme-ca.p12 -passout file:acme.pass`;
  execFileSync("bash", ["-ec", script], { cwd: clone });
}

function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((entry) => existsSync(join(entry, program)));
}

function isTaken(udpPort: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(true));
    socket.bind({ port: udpPort, address: "127.0.0.1", exclusive: true }, () =>
      socket.close(() => resolve(false)),
    );
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}
