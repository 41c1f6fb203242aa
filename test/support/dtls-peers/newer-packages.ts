import { execFile } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** Why something cannot be had here, in words for the title of a skipped test. */
export interface WhyNot {
  readonly whyNot: string;
}

/** Packages of a later Debian than this machine's, unpacked in a folder and not installed. */
export interface NewerPackages {
  readonly include: readonly string[];
  readonly libraries: string;
  /** The dynamic linker that belongs to those libraries: their libc is newer than this machine's. */
  readonly linker: string;
}

/**
 * Mbed TLS and wolfSSL with connection IDs are only in sid. OpenSSL comes from trixie, whose 3.5 stays 3.5: a
 * reference for benchmarks should not move.
 */
const sets = {
  openssl: { suite: "trixie", packages: ["libssl-dev"] },
  mbedtls: { suite: "sid", packages: ["libmbedtls-dev"] },
  wolfssl: { suite: "sid", packages: ["libwolfssl-dev"] },
} as const;
export type Library = keyof typeof sets;

const aptTimeoutMs = 90_000;
/** Longer than all steps of a download together: whoever waits for another process's gives up then. */
const lockTimeoutMs = 4 * 60_000;
/** A machine without a mirror is asked once per run of the tests, not once per file. */
const failureKeptMs = 10 * 60_000;
const archiveKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * The library and all it needs, libc included, from a later suite of the mirror that this machine uses itself.
 * Downloaded once (under 10 MB, checked by apt against Debian's keys), then found in the cache. Needs no root,
 * installs nothing, and leaves the machine's own package lists alone.
 */
export async function newerPackages(library: Library): Promise<NewerPackages | WhyNot> {
  const { suite } = sets[library];
  const cache = cacheDirectory();
  const directory = join(cache, `${library}-${suite}`);
  const failure = `${directory}.failed`;
  return await underLock(`${directory}.lock`, async () => {
    if (!existsSync(directory)) {
      const before = recentFailure(failure);
      if (before !== undefined) return { whyNot: before };
      try {
        await download(library, directory);
      } catch (error) {
        rmSync(`${directory}.partial`, { recursive: true, force: true });
        const whyNot = `no newer ${library}: ${reasonOf(error)}`;
        writeFileSync(failure, whyNot);
        return { whyNot };
      }
    }
    return locate(directory);
  });
}

/** A folder of this user's alone below the system's for temporary files: what is in it gets executed. */
export function cacheDirectory(): string {
  const { uid } = userInfo();
  const path = join(tmpdir(), `sallyport-dtls-peers-${uid}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== uid) throw new Error(`${path} belongs to somebody else`);
  chmodSync(path, 0o700);
  return path;
}

/** What a failed program said last, or the error itself. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("killed" in error && error.killed === true) return "it took too long";
  const program = "path" in error && typeof error.path === "string" ? error.path : "";
  if ("code" in error && error.code === "ENOENT" && program !== "") return `${program} is not installed`;
  const said = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  const lines = said === "" ? [error.message] : said.split("\n");
  return (lines.find((line) => /^E:|error/i.test(line)) ?? lines.at(-1) ?? "").slice(0, 300);
}

/** One process at a time does the work; the others wait for it and find it done. */
export async function underLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + lockTimeoutMs;
  while (!take(lock)) {
    if (Date.now() > deadline) throw new Error(`${lock} is held by another process`);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    const file = openSync(lock, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch {
    const holder = Number(readIfThere(lock));
    // Empty: its holder is about to write. A holder that is gone left it behind.
    if (holder > 0 && holder !== process.pid && !alive(holder)) rmSync(lock, { force: true });
    return false;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function recentFailure(path: string): string | undefined {
  const age = existsSync(path) ? Date.now() - lstatSync(path).mtimeMs : Number.POSITIVE_INFINITY;
  return age < failureKeptMs ? readIfThere(path) : undefined;
}

async function download(library: Library, directory: string): Promise<void> {
  const { suite, packages } = sets[library];
  const work = `${directory}.partial`;
  rmSync(work, { recursive: true, force: true });
  for (const path of ["lists/partial", "cache/archives/partial", "empty", "root"]) {
    mkdirSync(join(work, path), { recursive: true });
  }
  const configuration = join(work, "apt.conf");
  writeFileSync(configuration, aptConfiguration(work));
  writeFileSync(join(work, "status"), "");
  writeFileSync(join(work, "sources.list"), await sourceOf(suite));
  const apt = (...args: string[]) => run("apt-get", ["-c", configuration, "-q", "-y", ...args]);
  await apt("update");
  await apt("install", "--download-only", ...packages);
  for (const file of globSync(join(work, "cache/archives/*.deb"))) {
    await run("dpkg-deb", ["-x", file, join(work, "root")]);
  }
  locate(join(work, "root"));
  renameSync(join(work, "root"), directory);
  rmSync(work, { recursive: true, force: true });
}

/** Everything that apt would otherwise share with the machine is moved into `work`; proxies and the like stay. */
function aptConfiguration(work: string): string {
  return `
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::State::lists "${work}/lists";
Dir::State::status "${work}/status";
Dir::State::extended_states "${work}/extended_states";
Dir::Cache "${work}/cache";
Dir::Etc::sourcelist "${work}/sources.list";
Dir::Etc::sourceparts "${work}/empty";
Dir::Etc::preferencesparts "${work}/empty";
APT::Default-Release "";
APT::Update::Error-Mode "any";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
`;
}

/** The mirror of this machine's own main archive, asked for another suite. */
async function sourceOf(suite: string): Promise<string> {
  const { stdout } = await run("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"]);
  const mirror = stdout
    .split("\n")
    .map((line) => line.split(" "))
    .find(([uri, release]) => uri !== "" && !`${uri} ${release}`.includes("security"))?.[0];
  if (mirror === undefined) throw new Error("this machine's apt has no source of packages");
  const trust = existsSync(archiveKeyring) ? `[signed-by=${archiveKeyring}] ` : "";
  return `deb ${trust}${mirror} ${suite} main\n`;
}

function locate(root: string): NewerPackages {
  const linker = globSync(join(root, "{usr/,}lib/*/ld-linux-*.so.*"))[0];
  const libc = globSync(join(root, "{usr/,}lib/*/libc.so.6"))[0];
  if (linker === undefined || libc === undefined) throw new Error(`no libc was unpacked into ${root}`);
  const triplet = libc.split("/").at(-2) ?? "";
  return {
    include: [join(root, "usr/include"), join(root, "usr/include", triplet)],
    libraries: join(root, "usr/lib", triplet),
    linker,
  };
}

async function run(program: string, args: readonly string[]): Promise<{ stdout: string }> {
  return await promisify(execFile)(program, args, {
    timeout: aptTimeoutMs,
    killSignal: "SIGKILL",
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
  });
}
