import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What `npm publish` would publish, in an empty project: the newest Node on PATH that is 24, else the one that runs this. */

const repository = fileURLToPath(new URL("../../", import.meta.url));
const directory = realpathSync(mkdtempSync(join(tmpdir(), "sallyport-pack-")));
const project = join(directory, "project");
const node = findNode24() ?? process.execPath;
const minutes = 60_000;
let unreachable = false;

beforeAll(() => {
  const clone = join(directory, "clone");
  mkdirSync(clone);
  for (const part of readdirSync(repository)) {
    if (/^(\.git|node_modules|dist|certs|coverage|test|bench)$|\.(tgz|log)$/.test(part)) continue;
    cpSync(join(repository, part), join(clone, part), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(clone, "node_modules"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", directory], { cwd: clone, stdio: "pipe" });
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz")) ?? "";
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1"];
  const done = spawnSync("npm", ["install", ...options, join(directory, tarball)], {
    cwd: project,
    env,
    encoding: "utf8",
  });
  unreachable = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH/.test(done.stderr);
  if (!unreachable) expect(done.status, done.stderr).toBe(0);
}, 5 * minutes);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the packed tarball in an empty project", () => {
  test("`npx sallyport demo` runs the whole story and exits with 0", { timeout: 2 * minutes }, (context) => {
    context.skip(unreachable, "the package registry cannot be reached");
    const done = spawnSync("npx", ["sallyport", "demo"], { cwd: project, env, encoding: "utf8" });
    expect(done.status, done.stdout + done.stderr).toBe(0);
  });

  test.for([
    ["connect", "sallyport/device-client"],
    ["connectDtls", "sallyport/device-client"],
    ["connect", "sallyport/dtls"],
    ["listen", "sallyport/dtls"],
    ["startGateway", "sallyport/gateway"],
    ["runMitm", "sallyport/mitm"],
  ])('`import { %s } from "%s"` runs', ([name = "", entry = ""], context) => {
    context.skip(unreachable, "the package registry cannot be reached");
    const script = `import { ${name} } from "${entry}"; console.log(typeof ${name});`;
    const text = execFileSync(node, ["--input-type=module", "-e", script], {
      cwd: project,
      encoding: "utf8",
    });
    expect(text.trim()).toBe("function");
  });

  test("DTLS runs in it, between a server and a client with a pre-shared key", (context) => {
    context.skip(unreachable, "the package registry cannot be reached");
    const text = execFileSync(node, ["--input-type=module", "-e", psk], { cwd: project, encoding: "utf8" });
    expect(text.trim()).toBe("dtls hello\nnode-dtls-client hello");
  });

  test("each entry of the package type-checks", { timeout: minutes }, (context) => {
    context.skip(unreachable, "the package registry cannot be reached");
    writeFileSync(join(project, "check.ts"), typed);
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", "--types", "node"];
    const typeRoots = join(repository, "node_modules/@types");
    const tsc = join(repository, "node_modules/.bin/tsc");
    const done = spawnSync(tsc, [...options, "--typeRoots", typeRoots, "check.ts"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(done.stdout).toBe("");
    expect(done.status).toBe(0);
  });
});

const psk = `
import { connectPsk } from "sallyport/device-client";
import { listen } from "sallyport/dtls";
const key = new Uint8Array(32).fill(1);
const server = listen((session) => session.on("message", (data) => session.send(data)), {
  port: 0,
  psk: { d1: key },
  dangerouslyAllowMissingExtendedMasterSecret: true,
});
const { port } = await server.ready;
for (const transport of ["dtls", "node-dtls-client"]) {
  const device = await connectPsk({ identity: "d1", key, gateway: "127.0.0.1:" + port, transport });
  const answer = new Promise((resolve) => device.once("message", resolve));
  device.send("hello");
  console.log(transport, Buffer.from(await answer).toString());
  await device.close();
}
await server.close();
`;

const typed = `
import { connect, connectDtls, loadIdentity, type DeviceSession } from "sallyport/device-client";
import { connect as dial, type DTLSSession, listen, type Signer } from "sallyport/dtls";
import { startGateway, type GatewayEvent } from "sallyport/gateway";
import { parseCertificates, type Certificate } from "sallyport/pki";
import { openAuthority } from "sallyport/pki/authority";

export async function publish(): Promise<DeviceSession> {
  const identity = loadIdentity({ key: "a", certificate: "b", ca: "c" });
  const session = await connect({ identity, gateway: "localhost" });
  await session.publish("a/b", "c", { qos: 1 });
  // @ts-expect-error -- there are three qualities of service
  await session.publish("a/b", "c", { qos: 3 });
  return session;
}
export const anchors: Certificate[] = parseCertificates("");
export function show(event: GatewayEvent): string {
  return event.type === "connection.refused" ? event.reason : event.type;
}
export async function echo(signer: Signer): Promise<void> {
  const identity = loadIdentity({ key: "a", certificate: "b", ca: "c" });
  await using device = await connectDtls({ identity, gateway: "localhost" });
  device.on("message", (data: Uint8Array) => device.send(data));
  // @ts-expect-error -- a message is bytes or text
  device.send(1);
  const session: DTLSSession = dial("localhost", 5684, { ca: "pem" });
  // @ts-expect-error -- peers are always verified
  dial("localhost", 5684, { rejectUnauthorized: false });
  listen(() => session.close(), { port: 0, credentials: { certificateType: "X509", chain: [], signer } });
}
export { startGateway, openAuthority };
`;

const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_OPTIONS)/.test(name)),
  ),
  PATH: [dirname(node), ...searchPath().filter((entry) => !entry.includes("node_modules"))].join(delimiter),
  npm_config_update_notifier: "false",
};

function findNode24(): string | undefined {
  return [dirname(process.execPath), ...searchPath()]
    .map((entry) => join(entry, "node"))
    .find((path) => spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.startsWith("v24."));
}

function searchPath(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter);
}
