import type { Reporter, TestModule } from "vitest/node";

/** Closes a run with one plain line, `13 passed, 0 failed, 0 skipped`, for systems that read lines. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const tally = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tally[test.result().state] += 1;
        tests += 1;
      }
      // A file that could not even be loaded has no tests to count, and must not look like a success.
      if (tests === 0 && module.state() === "failed") tally.failed += 1;
    }
    console.log(`\n${tally.passed} passed, ${tally.failed + tally.pending} failed, ${tally.skipped} skipped`);
  }
}
