import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// node:sqlite announces itself as experimental on Node 24 and that line helps nobody in a test report.
const execArgv = ["--disable-warning=ExperimentalWarning"];

function project(name: string, testTimeout: number) {
  return {
    test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, execArgv },
  };
}

export default defineConfig({
  test: {
    projects: [
      project("unit", 10_000),
      project("e2e", 60_000),
      project("interop", 60_000),
      project("attack", 60_000),
      project("fuzz", 120_000),
    ],
    // Most of a test's time is waiting: for a peer, a time-out, a silence.
    maxWorkers: availableParallelism() + 1,
    reporters: ["default", "./test/support/tally-reporter.ts"],
  },
});
