import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { ExitCode } from "../../../cli/errors.ts";
import type { Io } from "../../../cli/io.ts";
import { describeProgram } from "../../../cli/program.ts";

const manual = readFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), "utf8");
const sections = new Map(manual.split(/^## /m).map((part) => [part.split("\n", 1)[0] ?? "", part]));
const io: Io = {
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  now: () => new Date(),
  onSignal: () => () => {},
};
const verbs = [...verbsOf(describeProgram(io, { exitCode: ExitCode.ok }, false), "sallyport")];

function* verbsOf(command: Command, path: string): Generator<[path: string, command: Command]> {
  if (command.commands.length === 0) yield [path, command];
  for (const child of command.commands) yield* verbsOf(child, `${path} ${child.name()}`);
}

describe("docs/reference/cli.md and the command agree, both ways", () => {
  test("each verb has a section, and no other is there", () => {
    const documented = [...sections.keys()].filter((title) => title.startsWith("sallyport"));
    expect(documented.toSorted()).toEqual(verbs.map(([path]) => path).toSorted());
  });

  test.each(verbs)("%s: each option has its row", (path, command) => {
    const rows = [...(sections.get(path) ?? "").matchAll(/^\| `(-[^`]+)` \|/gm)].map(
      (found) => found[1] ?? "",
    );
    expect(rows.toSorted()).toEqual(command.options.map((option) => option.flags).toSorted());
  });

  test("each exit code has its row", () => {
    for (const code of Object.values(ExitCode)) expect(manual).toMatch(new RegExp(`^\\| ${code} \\|`, "m"));
  });
});

describe("every verb", () => {
  test.each(verbs)("%s takes --json, and teaches by example", (path, command) => {
    expect(command.options.map((option) => option.long)).toContain("--json");
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain(`$ ${path}`);
    expect(command.summary()).not.toBe("");
  });

  test.each(verbs)(
    "%s takes no secret on the command line, only the file that holds it",
    (_path, command) => {
      const secrets = command.options.filter((option) => /pass(phrase|word)|secret/.test(option.flags));
      for (const option of secrets) expect(option.flags).toMatch(/-file <file>$/);
    },
  );
});
