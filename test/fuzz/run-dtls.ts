/*
 * Mutated datagrams against DTLS, as many as wanted, with a seed that repeats the run:
 *
 *     node --expose-gc test/fuzz/run-dtls.ts --datagrams 10000000 --seed 1
 *
 * Ends with exit code 1 on an exception, on an honest client that is harmed, and on a heap that grows.
 */
import { inspect, parseArgs } from "node:util";
import { Fuzzer } from "../support/dtls/fuzzing.ts";
import { heapUsed } from "../support/dtls/heap.ts";

const { values } = parseArgs({
  options: {
    datagrams: { type: "string", default: "10000000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 32) },
  },
});
const datagrams = Number(values.datagrams);
const seed = Number(values.seed);
const steps = 20;
/** What caches of node:crypto and of the engine may take. */
const allowedGrowthBytes = 8_000_000;

print(`${datagrams} datagrams, seed ${seed}`);
const began = performance.now();
const fuzzer = new Fuzzer(seed);
let afterWarmUp: number | undefined;
let now = 0;
for (let step = 1; step <= steps; step += 1) {
  try {
    fuzzer.run(Math.ceil(datagrams / steps));
  } catch (error) {
    print(`failed with seed ${seed} after ${fuzzer.report.datagrams} datagrams`);
    throw error;
  }
  now = heapUsed();
  // A fifth of the run fills caches and pools; from then on it must stay as it is.
  if (step === steps / 5) afterWarmUp = now;
  const seconds = (performance.now() - began) / 1000;
  const rate = Math.round(fuzzer.report.datagrams / seconds);
  print(`${fuzzer.report.datagrams} datagrams, ${rate}/s, heap ${(now / 1e6).toFixed(1)} MB`);
}
print(inspect(fuzzer.report));
const growth = now - (afterWarmUp ?? now);
print(`heap growth after the first fifth: ${(growth / 1e6).toFixed(1)} MB`);
if (growth > allowedGrowthBytes) {
  print("the heap grows");
  process.exitCode = 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
