import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const suite = fileURLToPath(new URL("abstract-suite.mjs", import.meta.url));

describe("aedes-persistence's abstract tests", () => {
  for (const [where, IN_MEMORY] of [
    ["on disk", "0"],
    ["in memory", "1"],
  ] as const) {
    test(`all pass ${where}, none is skipped`, { timeout: 60_000 }, () => {
      const run = spawnSync(
        process.execPath,
        ["--disable-warning=ExperimentalWarning", "--test-reporter=tap", suite],
        { encoding: "utf8", env: { ...process.env, IN_MEMORY, NODE_TEST_CONTEXT: undefined } },
      );
      const counted = (what: string) =>
        Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(run.stdout)?.[1] ?? NaN);
      expect(run.stdout + run.stderr).not.toMatch(/^not ok/m);
      expect({ status: run.status, failed: counted("fail"), skipped: counted("skipped") }).toEqual({
        status: 0,
        failed: 0,
        skipped: 0,
      });
      expect(counted("pass")).toBeGreaterThanOrEqual(50);
    });
  }
});
