import { globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DtlsRule, groups, notApplicable } from "./rfc-rules.ts";

/*
 * docs/reference/rfc-coverage.md: which test holds which rule, out of the titles of the tests.
 *     node test/support/rfc-coverage.ts --write
 */

/** A title that ends in labels, as `… is refused (A4, R7)`. */
export interface LabelledTest {
  readonly file: string;
  readonly title: string;
  readonly labels: readonly string[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = [
  "test/unit/dtls/**/*.test.ts",
  "test/*/dtls-*.test.ts",
  "test/*/{gateway,device-client,cli}-dtls*.test.ts",
  "test/support/dtls-interop/features.ts",
];
const label = String.raw`[A-IRU]\d*(?:\.\d+)?`;
/** A string literal, on one line, that ends in labels. */
const labelled = new RegExp(
  String.raw`(["'\`])((?:\\.|(?!\1)[^\n\\])*) \((${label}(?:, ${label})*)\)\1`,
  "g",
);

export function labelledTests(): LabelledTest[] {
  return globSync(sources, { cwd: root })
    .toSorted()
    .flatMap((file) => titlesIn(file, readFileSync(`${root}${file}`, "utf8")));
}

/** Every rule that needs a test and has none, by its label. */
export function rulesWithoutTest(tests: readonly LabelledTest[]): string[] {
  const needed = groups.flatMap(([, rules, optional]) => (optional === true ? [] : rules));
  return needed.filter((rule) => testsOf(rule, tests).length === 0).map(({ labels: [own] }) => own);
}

/** Labels in titles that no rule has. */
export function unknownLabels(tests: readonly LabelledTest[]): string[] {
  const known = new Set<string>(groups.flatMap(([, rules]) => rules.flatMap(({ labels }) => labels)));
  for (const [name] of notApplicable) known.add(name);
  return [...new Set(tests.flatMap(({ labels }) => labels))].filter((name) => !known.has(name)).toSorted();
}

export function coverageText(): string {
  const tests = labelledTests();
  const sections = groups.map(([title, rules]) => {
    const lines = rules.map((rule) => rowOf(rule, tests));
    return `## ${title}\n\n| Label | Rule | Tests |\n| --- | --- | --- |\n${lines.join("\n")}\n`;
  });
  const others = notApplicable.map(([name, why]) => `| ${name} | ${why} |`);
  return `${introduction}
${sections.join("\n")}
## What does not apply

| Label | Why |
| --- | --- |
${others.join("\n")}
`;
}

const introduction = `<!-- Written by \`node test/support/rfc-coverage.ts --write\`; a test compares. -->
# DTLS: rules and their tests

What the RFCs demand of a DTLS 1.2 stack, and what goes wrong in such stacks, each with the tests that hold it. A test
names its rules at the end of its title by their labels; this page is made of those titles. A title with \`%s\`,
\`$name\` or \`\${…}\` stands for one test per case. A unit test fails when a rule has no test, and when this page is not
current.
`;

function titlesIn(file: string, text: string): LabelledTest[] {
  return [...text.matchAll(labelled)].map(([, , title = "", labels = ""]) => ({
    file,
    title: title.replaceAll(/\\(.)/g, "$1"),
    labels: labels.split(", "),
  }));
}

function testsOf({ labels }: DtlsRule, tests: readonly LabelledTest[]): LabelledTest[] {
  return tests.filter((test) => test.labels.some((name) => labels.includes(name)));
}

function rowOf(rule: DtlsRule, tests: readonly LabelledTest[]): string {
  const [own] = rule.labels;
  const text = rule.clause === "" ? rule.rule : `${rule.rule} (${rule.clause})`;
  const titles = testsOf(rule, tests).map(
    ({ file, title }) => `[${short(file)}](../../${file}): ${escaped(title)}`,
  );
  return `| ${own} | ${text} | ${titles.join("<br>")} |`;
}

function short(file: string): string {
  return file.replace(/^test\/(unit\/dtls\/)?/, "").replace(/(\.test)?\.ts$/, "");
}

/** So that nothing in a title is taken for the markup of a table. */
function escaped(title: string): string {
  return title.replaceAll("|", String.raw`\|`).replaceAll("<", "&lt;").replaceAll("*", String.raw`\*`);
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes("--write")) {
  writeFileSync(`${root}docs/reference/rfc-coverage.md`, coverageText());
}
