import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../support/run-cli.ts";

/** Where a run of the lab is to write to, and what it says of how to run it again. */

const own = ["mitm", "own", "--case", "G-CERT-05/tls"];
let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "sallyport-outputs-"))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("a place that cannot be written to is told before anything is attacked", () => {
  test.each(["--html", "--junit", "--sarif"])("%s", async (option) => {
    const file = join(scratch, "file");
    writeFileSync(file, "");
    const places: ReadonlyArray<readonly [string, number]> = [
      ["", 2],
      [scratch, 4],
      [join(scratch, "no", "such", "folder.xml"), 4],
      [join(file, "below.xml"), 4],
    ];
    for (const [place, code] of places) {
      const { exitCode, stdout, stderr } = await runCli([...own, option, place]);
      expect([exitCode, stdout], stderr).toEqual([code, ""]);
      expect(stderr).not.toContain("cases of the catalogue");
      expect(stderr).not.toContain(".tmp");
    }
    expect(readdirSync(scratch)).toEqual(["file"]);
  });

  test("--bundle, whose empty name is no name for the folder that one is in", async () => {
    expect(await runCli([...own, "--bundle", ""])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

test("evidence that is about to be replaced is told of", async () => {
  const bundle = join(scratch, "evidence");
  expect((await runCli([...own, "--bundle", bundle])).stderr).not.toContain("replaced");
  expect((await runCli([...own, "--bundle", bundle])).stderr).toMatch(/ UTC and 1 case, is replaced/);
});

test("a lab CA is for its owner alone, and is not used when it is not", async () => {
  const lab = join(scratch, "lab");
  mkdirSync(lab);
  chmodSync(lab, 0o777);
  expect(await runCli(["mitm", "lab-ca", lab])).toMatchObject({ exitCode: 0 });
  expect(statSync(lab).mode & 0o777).toBe(0o700);
  const keys = readdirSync(lab).filter((name) => name.endsWith(".key.pem"));
  expect(keys).toHaveLength(4);
  for (const name of keys) expect(statSync(join(lab, name)).mode & 0o777).toBe(0o600);
  chmodSync(join(lab, "issuing.key.pem"), 0o644);
  const { exitCode, stderr } = await runCli(["mitm", "gateway", "127.0.0.1:1", "--lab-ca", lab]);
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining("PKI_KEY_PERMISSIONS")]);
});

test("the command that runs a case again has the seed once, safe for a shell", async () => {
  const { stdout } = await runCli([...own, "--seed", "$(date) it's", "--json"]);
  expect(JSON.parse(stdout).cases[0].replay).toBe(
    "npx sallyport mitm own --seed '$(date) it'\\''s' --case G-CERT-05/tls",
  );
});
