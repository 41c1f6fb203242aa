import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runToJunit } from "../../mitm/report/junit.ts";
import { anyRun } from "../support/mitm/any-run.ts";
import {
  brokenRun,
  hostileText,
  interruptedRun,
  sampleCase,
  sampleRun,
} from "../support/mitm/sample-runs.ts";
import { missing, skipped } from "../support/programs.ts";
import { tempDirectory } from "../support/temp-directory.ts";

const lacking = missing("xmllint");
const schema = "test/vectors/schemas/junit-jenkins.xsd";

/** Says nothing where all documents are valid. One process for many documents: it takes longer to start than to check. */
async function complaintsOf(documents: readonly string[]): Promise<string> {
  await using directory = tempDirectory();
  const files = documents.map((document, index) => {
    const file = join(directory.path, `${index}.xml`);
    writeFileSync(file, document);
    return file;
  });
  const { status, stderr } = spawnSync("xmllint", ["--noout", "--nonet", "--schema", schema, ...files], {
    encoding: "utf8",
  });
  return status === 0 ? "" : stderr;
}

/** What a path of XPath says of a document. */
function xpath(document: string, expression: string): string {
  const { stdout, stderr } = spawnSync("xmllint", ["--nonet", "--xpath", expression, "-"], {
    encoding: "utf8",
    input: document,
  });
  expect(stderr).toBe("");
  return stdout.trimEnd();
}

describe.skipIf(lacking !== "")(`JUnit, held to the schema of Jenkins${skipped(lacking)}`, () => {
  test("runs with and without findings, and one that was interrupted", async () => {
    expect(
      await complaintsOf(
        [brokenRun(), sampleRun(), interruptedRun(), sampleRun({ cases: [] })].map(runToJunit),
      ),
    ).toBe("");
  });

  test("broken is a failure, not judged an error, not applicable skipped, held none of them", () => {
    const document = runToJunit(brokenRun());
    const outcome = (id: string) =>
      xpath(document, `string(name(//testcase[starts-with(@name, "${id} ")]/*[1]))`);
    expect(outcome("G-CERT-05/tls")).toBe("failure");
    expect(outcome("D-CERT-03/dtls")).toBe("error");
    expect(outcome("G-CERT-07/dtls")).toBe("error");
    expect(outcome("P-13/tls")).toBe("skipped");
    expect(outcome("P-17/tls")).toBe("system-out");
    expect(
      xpath(document, "concat(/testsuites/@tests, ' ', /testsuites/@failures, ' ', /testsuites/@errors)"),
    ).toBe("21 4 2");
    expect(xpath(document, "sum(//testsuite/@tests)")).toBe("21");
    expect(xpath(document, 'string(//testsuite[@name="mitm gateway over TLS"]/@failures)')).toBe("2");
    expect(xpath(document, 'string(//testcase[starts-with(@name, "G-CERT-05/tls")]/failure)')).toContain(
      "Remedy: ",
    );
    expect(xpath(document, 'string(//testcase[starts-with(@name, "G-CERT-05/tls")]/system-out)')).toContain(
      "lab     > gateway  ClientHello",
    );
  });

  test("what a target says comes back as it was shown, markup and all", () => {
    const shown = hostileText.replace("\u001b", "\\u{1b}").replace("\u202e", "\\u{202e}");
    const document = runToJunit(sampleRun({ cases: [sampleCase({ verdict: "broken", how: hostileText })] }));
    expect(xpath(document, "string(//failure/@message)")).toBe(shown);
    expect(xpath(document, "string(//system-out)")).toContain(`seen:       ${shown}`);
  });

  test("every code unit of UTF-16 can be in a text, and the document stays valid", async () => {
    const texts = Array.from({ length: 0x100 }, (_, high) =>
      String.fromCharCode(...Array.from({ length: 0x100 }, (_, low) => high * 0x100 + low)),
    );
    const cases = texts.map((how, index) =>
      sampleCase({ id: `X-${index}/tls`, verdict: "broken", how, title: how }),
    );
    expect(await complaintsOf([runToJunit(sampleRun({ cases }))])).toBe("");
  });

  test("any run makes a valid document", async () => {
    const documents = fc.sample(anyRun, { numRuns: 80, seed: 20_261_125 }).map(runToJunit);
    expect(await complaintsOf(documents)).toBe("");
  });
});
