import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DTLSEndpoint, DTLSSession } from "../../../dtls/index.ts";

const page = readFileSync("docs/reference/dtls.md", "utf8");
const source = readFileSync("dtls/endpoint/options.ts", "utf8");

/** The fields of an interface in options.ts. */
function optionsOf(name: string): string[] {
  const body = new RegExp(`export interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? "";
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = ""]) => field);
}

function section(title: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(title)) ?? "";
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/`([A-Za-z0-9]+)(?:`|\()/g)].map(([, name = ""]) => name);
}

describe("docs/reference/dtls.md", () => {
  test.each([
    ["CommonOptions", "Options of both"],
    ["ListenOptions", "Options of listen"],
    ["ConnectOptions", "Options of connect"],
  ])("has all of %s, and no others", (name, title) => {
    const options = optionsOf(name);
    expect(options.length).toBeGreaterThan(5);
    const documented = section(title)
      .split("\n")
      .flatMap((line) => namesIn(line.split("|")[1] ?? ""));
    expect(documented.toSorted()).toEqual(options.toSorted());
  });

  test.each([
    [DTLSSession, "DTLSSession"],
    [DTLSEndpoint, "DTLSEndpoint"],
  ] as const)("has the methods and properties of a class", (type, title) => {
    const documented = namesIn(section(title));
    // What the endpoint's own parts call on each other is no API.
    const internal: readonly string[] =
      type === DTLSEndpoint
        ? ["constructor", "attach", "opened", "failed", "transmit", "receive", "report"]
        : ["constructor"];
    const members = Object.getOwnPropertyNames(type.prototype).filter((name) => !internal.includes(name));
    expect(documented).toEqual(expect.arrayContaining(members));
  });
});
