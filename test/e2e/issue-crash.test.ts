import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority, holdsAuthority, openAuthority } from "../../pki/authority/index.ts";
import {
  decodePem,
  Inventory,
  parseCertificate,
  parseCertificateList,
  readIdentity,
} from "../../pki/index.ts";

const rounds = 20;
const issuingLoop = new URL("../support/issuing-loop.ts", import.meta.url);
const authorityMaker = new URL("../support/authority-maker.ts", import.meta.url);
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("kill -9", () => {
  test("issuing, 20 times: what was printed is in the inventory, and the audit chain verifies", {
    timeout: 180_000,
  }, async () => {
    await createAuthority(directory, { rootAlgorithm: "p256", dangerouslyDiscardRootKey: true });
    const issued: string[] = [];
    const revoked: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const lines = await runAndKill(issuingLoop, [directory, `round${round}`], 5 + round * 2);
      issued.push(...lines.filter((line) => /^[0-9a-f]{64}$/.test(line)));
      revoked.push(...lines.flatMap((line) => /^revoked ([0-9a-f]{64})$/.exec(line)?.[1] ?? []));
    }
    expect(issued.length).toBeGreaterThan(rounds * 5);
    expect(revoked.length).toBeGreaterThan(rounds / 2);

    using authority = openAuthority(directory);
    const { inventory } = authority;
    const recorded = issued.map((fingerprint) => inventory.certificate(fingerprint));
    expect(recorded.filter((row) => row === undefined)).toEqual([]);
    const named = recorded.map((row) => row && readIdentity(parseCertificate(row.der)).id);
    expect(named).toEqual(recorded.map((row) => row?.identityId));
    for (const fingerprint of revoked) expect(inventory.certificate(fingerprint)?.revokedAt).toBeDefined();

    // One entry for each certificate, and nothing that only half happened.
    const { entries } = inventory.audit.verify();
    const actions = [...inventory.audit.entries()].map(({ action }) => action);
    expect(actions).toHaveLength(entries);
    expect(actions.filter((action) => action === "certificate.issue")).toHaveLength(
      inventory.counts().certificates,
    );
    for (const { id } of inventory.devices()) expect(inventory.certificatesOf(id)).toHaveLength(1);

    // The list on disk is whole, whichever write was cut off, and a new one goes beyond it.
    const listed = crlNumber();
    expect((await authority.writeCrl()).number).toBeGreaterThan(listed);
    expect(crlNumber()).toBeGreaterThan(listed);
    expect(
      readdirSync(directory)
        .filter((name) => name.startsWith("gateway."))
        .toSorted(),
    ).toEqual(["gateway.cert.pem", "gateway.key.pem"]);
  });

  test("making the authority, 20 times: nothing usable or all of it, and the next init says or does the rest", {
    timeout: 180_000,
  }, async () => {
    let complete = 0;
    for (let round = 0; round < rounds; round += 1) {
      const place = join(directory, `round${round}`);
      await runAndKill(authorityMaker, [place], 1, round * 4);
      if (holdsAuthority(place)) complete += 1;
      else await createAuthority(place, { rootAlgorithm: "p256", dangerouslyDiscardRootKey: true });
      using authority = openAuthority(place);
      await authority.issue({ id: "pump-1" });
      await expect(createAuthority(place, { dangerouslyDiscardRootKey: true })).rejects.toThrow(/already/);
      using inventory = Inventory.open(place, { readOnly: true });
      expect(inventory.audit.verify().entries).toBeGreaterThan(4);
    }
    expect(complete).toBeLessThanOrEqual(rounds);
  });
});

function crlNumber(): number {
  const [block] = decodePem(readFileSync(join(directory, "crl.pem"), "utf8"), "X509 CRL");
  return Number.parseInt(parseCertificateList(block?.der ?? new Uint8Array()).cRLNumber ?? "", 16);
}

/** The whole lines that a process printed before it was killed: after so many of them, and so many milliseconds more. */
async function runAndKill(script: URL, args: string[], afterLines: number, delayMs = 0): Promise<string[]> {
  const child = spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    fileURLToPath(script),
    ...args,
  ]);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const text = await outputUntilKilled(child, afterLines, delayMs);
  await exited;
  return text.split("\n").slice(0, -1);
}

async function outputUntilKilled(
  child: ChildProcessWithoutNullStreams,
  afterLines: number,
  delayMs: number,
): Promise<string> {
  let text = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const lines = () => text.split("\n").length - 1;
  for await (const chunk of child.stdout) {
    const before = lines();
    text += String(chunk);
    // The moment of the kill is what varies: nothing waits for a state here.
    if (before < afterLines && lines() >= afterLines) setTimeout(() => child.kill("SIGKILL"), delayMs);
  }
  if (lines() < afterLines) throw new Error(`the process ended by itself: ${errors}`);
  return text;
}
