import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliOptions, runCli } from "../support/run-cli.ts";

/** What people are told: each sentence is true of what happened, and names what to do. */

let scratch: string;
let dir: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "sallyport-wording-"));
  dir = join(scratch, "certs");
  await ok(["init"]);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("a device without a good certificate is not called active", () => {
  const later = { now: () => new Date(Date.now() + 400 * 86_400_000) };

  test.each<[standing: string, then: string[], options: CliOptions]>([
    ["active", ["device", "list"], {}],
    ["revoked", ["device", "revoke"], {}],
    ["expired", ["device", "list"], later],
  ])("%s", async (standing, [group = "", verb = ""], options) => {
    const id = `d-${standing}`;
    await ok(["device", "add", id]);
    await ok(verb === "list" ? [group, verb] : [group, verb, id]);
    const shown = (await ok(["device", "show", id], options)).stdout;
    expect(shown).toContain(`device ${id}, ${standing}\n`);
    expect(shown.includes("it cannot connect")).toBe(standing !== "active");
    const document = JSON.parse((await ok(["device", "show", id, "--json"], options)).stdout);
    expect(document).toMatchObject({ status: "active", standing });
    const { devices } = JSON.parse((await ok(["device", "list", "--json"], options)).stdout);
    expect(devices.find((device: { id: string }) => device.id === id)).toMatchObject({ standing });
  });
});

async function cli(args: string[], options: CliOptions = {}) {
  return await runCli([...args, "--dir", dir], options);
}

async function ok(args: string[], options: CliOptions = {}) {
  const result = await cli(args, options);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
}
