import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Minted } from "./chain-builder.ts";

/** What a path is asked: the same for our validator and for `openssl verify`. */
export interface PathCase {
  readonly chain: readonly [Minted, ...Minted[]];
  readonly anchors: readonly Minted[];
  readonly purpose?: "clientAuth" | "serverAuth";
  readonly now?: Date;
  readonly serverName?: string;
  /** PEM. Where there are any, one is required for every certificate. */
  readonly crls?: readonly string[];
}

/** The version of the openssl on PATH, or undefined when there is none. */
export function opensslVersion(): readonly [major: number, minor: number] | undefined {
  const { stdout } = spawnSync("openssl", ["version"], { encoding: "utf8" });
  const found = /^OpenSSL (\d+)\.(\d+)/.exec(stdout ?? "");
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

/** The verdict of `openssl verify` on each case: "valid", or its own words. A few processes run at a time. */
export async function opensslVerdicts(
  cases: ReadonlyMap<string, PathCase>,
  now: Date,
): Promise<Map<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), "openssl-path-"));
  const verdicts = new Map<string, string>();
  const queue = [...cases].entries();
  const worker = async () => {
    for (const [index, [name, question]] of queue) {
      verdicts.set(name, await ask(join(directory, String(index)), question, now));
    }
  };
  try {
    await Promise.all([worker(), worker(), worker(), worker()]);
  } finally {
    await rm(directory, { recursive: true });
  }
  return verdicts;
}

async function ask(directory: string, question: PathCase, now: Date): Promise<string> {
  const { chain, anchors, purpose = "clientAuth", crls = [], serverName } = question;
  const [leaf, ...others] = chain;
  await mkdir(directory);
  const write = async (name: string, blocks: readonly string[]) => {
    const file = join(directory, name);
    await writeFile(file, blocks.join(""));
    return file;
  };
  // auth_level 2: 112 bits, which is what RFC 9325 asks for. partial_chain: an anchor need not be self-signed.
  const args = ["verify", "-x509_strict", "-auth_level", "2", "-partial_chain"];
  // RFC 5280 §6.1.1 (c): the initial policy set is anyPolicy; openssl would take the empty set.
  args.push("-policy_check", "-policy", "2.5.29.32.0");
  args.push("-purpose", purpose === "clientAuth" ? "sslclient" : "sslserver");
  args.push("-attime", String(Math.floor((question.now ?? now).getTime() / 1000)));
  args.push(
    "-no-CApath",
    "-no-CAstore",
    "-CAfile",
    await write(
      "anchors.pem",
      anchors.map(({ pem }) => pem),
    ),
  );
  if (others.length > 0)
    args.push(
      "-untrusted",
      await write(
        "untrusted.pem",
        others.map(({ pem }) => pem),
      ),
    );
  if (crls.length > 0) args.push("-crl_check_all", "-CRLfile", await write("crls.pem", crls));
  if (serverName !== undefined)
    args.push(/^[\d.]+$|:/.test(serverName) ? "-verify_ip" : "-verify_hostname", serverName);
  args.push(await write("leaf.pem", [leaf.pem]));
  return new Promise((resolve) => {
    execFile("openssl", args, { encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null && /: OK\s*$/.test(stdout)) resolve("valid");
      else resolve(/error .*|unable to .*/i.exec(stderr)?.[0] ?? `openssl failed: ${stderr}`);
    });
  });
}
