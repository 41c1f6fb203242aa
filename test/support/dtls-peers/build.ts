import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import {
  cacheDirectory,
  type Library,
  type NewerPackages,
  newerPackages,
  reasonOf,
  underLock,
  type WhyNot,
} from "./newer-packages.ts";

export interface Program {
  readonly program: string;
  /** Of the library whose headers it was built with. */
  readonly version: string;
}

export interface BuildOptions {
  /** Build with the library of a later Debian: connection ids, OpenSSL 3.5. */
  readonly newer?: boolean;
}

interface LibraryFacts {
  readonly debian: string;
  readonly header: string;
  /** The macro that holds the version as a string. */
  readonly version: string;
  readonly link: readonly string[];
}

const libraries: Readonly<Record<Library, LibraryFacts>> = {
  openssl: {
    debian: "libssl-dev",
    header: "openssl/opensslv.h",
    version: "OPENSSL_FULL_VERSION_STR",
    link: ["-lssl", "-lcrypto"],
  },
  mbedtls: {
    debian: "libmbedtls-dev",
    header: "mbedtls/version.h",
    version: "MBEDTLS_VERSION_STRING",
    link: ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"],
  },
  wolfssl: {
    debian: "libwolfssl-dev",
    header: "wolfssl/version.h",
    version: "LIBWOLFSSL_VERSION_STRING",
    link: ["-lwolfssl"],
  },
};

/** The echo client and server of one library (see peer.h for its options and what it prints), or why there is none. */
export async function buildPeer(library: Library, options: BuildOptions = {}): Promise<Program | WhyNot> {
  return await buildProgram(join(import.meta.dirname, `${library}.c`), library, options);
}

/** Compiles one C source into the cache, unless it lies there already. */
export async function buildProgram(
  source: string,
  library: Library,
  options: BuildOptions = {},
): Promise<Program | WhyNot> {
  const newer = options.newer === true ? await newerPackages(library) : undefined;
  if (newer !== undefined && "whyNot" in newer) return newer;
  try {
    const version = await versionOf(library, newer);
    const flags = flagsFor(library, newer);
    const key = hash("sha256", `${sourceText(source)}\n${version}\n${flags.join(" ")}`).slice(0, 16);
    const program = join(cacheDirectory(), `${basename(source, ".c")}-${library}-${version}-${key}`);
    await underLock(`${program}.lock`, async () => {
      if (existsSync(program)) return;
      await gcc(["-O2", "-o", `${program}.new`, source, ...flags]);
      renameSync(`${program}.new`, program);
    });
    return { program, version };
  } catch (error) {
    return { whyNot: reasonOf(error) };
  }
}

/** The version its headers name; throws with the package to install where there are none. */
async function versionOf(library: Library, newer: NewerPackages | undefined): Promise<string> {
  const { debian, header, version } = libraries[library];
  const include = (newer?.include ?? []).flatMap((path) => ["-I", path]);
  try {
    const { stdout } = await gcc(["-E", "-P", ...include, "-include", header, "-"], `${version}\n`);
    return stdout.trim().split("\n").at(-1)?.replaceAll('"', "") ?? "";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw error;
    throw new Error(`${debian} is not installed`, { cause: error });
  }
}

function flagsFor(library: Library, newer: NewerPackages | undefined): readonly string[] {
  const { link } = libraries[library];
  if (newer === undefined) return link;
  return [
    ...newer.include.flatMap((path) => ["-I", path]),
    `-L${newer.libraries}`,
    ...link,
    // Those libraries want a newer libc than the linker finds here. At run time they get it: their own dynamic
    // linker loads the program, and an RPATH (unlike a RUNPATH) holds for the libraries' own libraries too.
    "-Wl,--allow-shlib-undefined",
    "-Wl,--disable-new-dtags",
    `-Wl,-rpath,${newer.libraries}`,
    `-Wl,--dynamic-linker=${newer.linker}`,
  ];
}

/** A source with the headers that it includes from its own folder or by a path from there. */
function sourceText(source: string): string {
  const text = readFileSync(source, "utf8");
  const included = [...text.matchAll(/^#include "([^"]+)"$/gm)].map(([, name]) =>
    readFileSync(join(dirname(source), name ?? ""), "utf8"),
  );
  return [text, ...included].join("\n");
}

async function gcc(args: readonly string[], input = ""): Promise<{ stdout: string }> {
  const running = promisify(execFile)("gcc", args, { timeout: 60_000 });
  running.child.stdin?.end(input);
  return await running;
}
