import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Fuzzer } from "../support/dtls/fuzzing.ts";
import { heapUsed } from "../support/dtls/heap.ts";

/*
 * A short run of what `node --expose-gc test/fuzz/run-dtls.ts --datagrams 10000000 --seed 1` does at length.
 * FC_RUNS, as in the other files here, makes it longer: a thousand datagrams for each.
 */

const datagrams = Number(process.env["FC_RUNS"] ?? 300) * 1000;
const longRun = new URL("run-dtls.ts", import.meta.url);
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

test(`${datagrams} mutated datagrams throw nothing, leave nothing behind and harm no honest peer (D6, E3, E5, I)`, () => {
  const fuzzer = new Fuzzer(seed);
  fuzzer.run(datagrams / 2);
  const before = heapUsed();
  fuzzer.run(datagrams / 2);
  expect(heapUsed() - before, `FUZZ_SEED=${seed}`).toBeLessThan(8_000_000);
  const { report } = fuzzer;
  expect(Math.min(...Object.values(report.targets))).toBeGreaterThan(datagrams / 100);
  expect(report.honestHandshakes).toBeGreaterThanOrEqual(datagrams / 10_000);
  expect(report.honestEchoes).toBe(report.honestHandshakes);
}, 600_000);

test("the long run is a command of its own, which says its seed and ends well", async () => {
  const run = spawn(
    process.execPath,
    ["--expose-gc", fileURLToPath(longRun), "--datagrams", "20000", "--seed", "7"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const said = await text(run.stdout);
  expect(said).toContain("20000 datagrams, seed 7");
  expect(said).toMatch(/heap growth after the first fifth/);
  expect(run.exitCode ?? (await once(run, "exit"))[0]).toBe(0);
});
