import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { coverageText, labelledTests, rulesWithoutTest, unknownLabels } from "../../support/rfc-coverage.ts";

describe("docs/reference/rfc-coverage.md: node test/support/rfc-coverage.ts --write", () => {
  const tests = labelledTests();

  test("every rule that applies to DTLS 1.2 has a test", () => {
    expect(rulesWithoutTest(tests)).toEqual([]);
  });

  test("every label in a title is that of a rule", () => {
    expect(unknownLabels(tests)).toEqual([]);
  });

  test("the check sees a rule without a test, and a label without a rule", () => {
    expect(rulesWithoutTest(tests.filter(({ labels }) => !labels.includes("A1")))).toContain("A1");
    expect(unknownLabels([{ file: "x", title: "y", labels: ["A1", "Z9"] }])).toEqual(["Z9"]);
  });

  test("the page is current", () => {
    const page = readFileSync(new URL("../../../docs/reference/rfc-coverage.md", import.meta.url), "utf8");
    expect(page).toBe(coverageText());
  });
});
