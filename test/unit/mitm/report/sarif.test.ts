import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runToSarif } from "../../../../mitm/report/sarif.ts";
import { anyRun } from "../../../support/mitm/any-run.ts";
import {
  brokenRun,
  hostileText,
  interruptedRun,
  sampleCase,
  sampleRun,
} from "../../../support/mitm/sample-runs.ts";

const {
  id,
  $schema: _,
  ...schema
} = JSON.parse(readFileSync("test/vectors/schemas/sarif-2.1.0.json", "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
// Draft 4 called it `id`; nothing else that the schema uses has changed since.
const validate = ajv.compile({ $id: id, ...schema });

function expectValid(text: string): void {
  expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
}

function validSarif(text: string) {
  expectValid(text);
  return JSON.parse(text).runs[0];
}

describe("SARIF", () => {
  test("a broken case is a result with its rule, CWE, fingerprint and exchange", () => {
    const run = validSarif(runToSarif(brokenRun()));
    const result = run.results.find(
      (each: { properties: { case: string } }) => each.properties.case === "G-CERT-05/tls",
    );
    expect(result).toMatchObject({
      ruleId: "G-CERT-05",
      level: "error",
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: "transcripts/G-CERT-05-tls.txt" } },
          logicalLocations: [{ name: "a broker of the user", fullyQualifiedName: "gateway/tls" }],
        },
      ],
      suppressions: [],
    });
    const rule = run.tool.driver.rules[result.ruleIndex];
    expect(rule).toMatchObject({
      id: "G-CERT-05",
      name: "IgnoresExpiry",
      properties: { "security-severity": "8.0" },
    });
    expect(rule.help.text).toContain("Remedy: ");
    const [relationship] = rule.relationships;
    expect(
      run.taxonomies[relationship.target.toolComponent.index].taxa[relationship.target.index],
    ).toMatchObject({
      id: "298",
      name: "Improper Validation of Certificate Expiration",
    });
    const flow = result.codeFlows[0].threadFlows[0].locations;
    expect(
      flow.filter((each: { importance: string }) => each.importance === "essential").length,
    ).toBeGreaterThan(0);
  });

  test("what could not be judged is a note; what held or does not apply is nothing", () => {
    const { results } = validSarif(runToSarif(brokenRun()));
    const verdicts = results.map((each: { level: string; properties: { verdict: string } }) => [
      each.properties.verdict,
      each.level,
    ]);
    expect(verdicts).toContainEqual(["inconclusive", "note"]);
    expect(verdicts).toContainEqual(["not delivered", "note"]);
    expect(new Set(verdicts.map(([verdict]: string[]) => verdict))).not.toContain("held");
    expect(validSarif(runToSarif(sampleRun())).results).toEqual([]);
  });

  test("the fingerprint of a finding does not change with the seed, the port or what the target said", () => {
    const fingerprint = (over: Parameters<typeof sampleCase>[0]) =>
      validSarif(runToSarif(sampleRun({ cases: [sampleCase({ verdict: "broken", ...over })] }))).results[0]
        .partialFingerprints;
    expect(fingerprint({ how: "CONNACK 0", replay: "--port 1" })).toEqual(fingerprint({ how: "published" }));
    expect(fingerprint({})).not.toEqual(fingerprint({ id: "G-CERT-06/tls" }));
  });

  test("an interrupted run was no success, and says why", () => {
    expect(validSarif(runToSarif(interruptedRun())).invocations[0]).toMatchObject({
      executionSuccessful: false,
      toolExecutionNotifications: [
        { level: "error", message: { text: "The run was interrupted: SIGINT after 8 of 22 cases" } },
      ],
    });
  });

  test("a target can write no link and no place into a message", () => {
    const how = `[ok](https://example.invalid) {0} ${hostileText}`;
    const [result] = validSarif(
      runToSarif(sampleRun({ cases: [sampleCase({ verdict: "broken", how })] })),
    ).results;
    expect(result.message.text).toContain("[ok] (https");
    expect(result.message.text).toContain("{{0}}");
    expect(result.message.text).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  test("any run makes a valid document", () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anyRun, (run) => expectValid(runToSarif(run))),
      { numRuns: 60 },
    );
  });
});
