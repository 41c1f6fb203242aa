import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Step } from "../../../../mitm/record/recorder.ts";
import { html, raw, relativeUrl } from "../../../../mitm/report/html/markup.ts";
import { sequenceDiagram } from "../../../../mitm/report/html/sequence-diagram.ts";
import { runToHtml } from "../../../../mitm/report/html.ts";
import { anyRun } from "../../../support/mitm/any-run.ts";
import {
  brokenRun,
  hostileText,
  interruptedRun,
  sampleCase,
  sampleRun,
} from "../../../support/mitm/sample-runs.ts";

/** Every element that the page is made of. What a text brings in shows up as another one, or as a tag that is cut. */
const elements = new Set(
  "!doctype html head meta title link style body main header nav section article p h1 h2 h3 h4 div span strong b i ul ol li dl dt dd time code pre a svg line rect text title g path figure figcaption details summary table thead tbody tr th td form label input select option button output script".split(
    " ",
  ),
);

/** The page without its own style sheet and script: whatever is in angle brackets is a tag. */
function tagsOf(page: string): string[] {
  const bare = page.replace(/<style>[^]*?<\/style>/, "").replace(/<script>[^]*?<\/script>/, "");
  return [...bare.matchAll(/<[^>]*>?/g)].map(([tag]) => tag);
}

function expectOnlyOwnTags(page: string): void {
  const foreign = tagsOf(page).filter((tag) => {
    const found = /^<\/?([!a-z0-9]+)(?: [a-z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*\/?>$/.exec(tag);
    return found === null || !elements.has(found[1] ?? "");
  });
  expect(foreign).toEqual([]);
  const handlers = tagsOf(page).filter((tag) =>
    / (?:on[a-z]+|style)[= >]/i.test(tag.replaceAll(/"[^"]*"/g, "")),
  );
  expect(handlers).toEqual([]);
  expect(
    tagsOf(page).filter((tag) => /(?:href|src)="(?!#|https:\/\/|data:,|(?!\/)[^:"]*")/.test(tag)),
  ).toEqual([]);
}

describe("the page", () => {
  test.each([
    ["with findings", brokenRun()],
    ["without", sampleRun()],
    ["of a run that was interrupted", interruptedRun()],
    ["of a run without cases", sampleRun({ cases: [], targets: [], killRate: undefined })],
  ])("%s is made of its own elements only", (_, run) => {
    expectOnlyOwnTags(runToHtml(run));
  });

  test("loads nothing: the only addresses in it are links that a reader may follow", () => {
    const page = runToHtml(brokenRun());
    const addresses = tagsOf(page).filter((tag) => /https?:/.test(tag));
    for (const tag of addresses)
      expect(tag).toMatch(
        /^<a href="https:\/\/(www\.rfc-editor\.org|cwe\.mitre\.org|docs\.oasis-open\.org)\/[^"]+" rel="noreferrer">$/,
      );
    expect(page.match(/<link[^>]*>/g)).toEqual(['<link rel="icon" href="data:,">']);
    expect(page).not.toMatch(/@import|url\(/);
  });

  test("lets only its own script and style through", () => {
    const page = runToHtml(brokenRun());
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    const digest = (element: string) =>
      hash("sha256", new RegExp(`<${element}>([^]*?)</${element}>`).exec(page)?.[1] ?? "", "base64");
    expect(policy?.split("; ")).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${digest("style")}'`,
      `script-src 'sha256-${digest("script")}'`,
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  test("any run makes a page of its own elements only", () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(anyRun, (run) => expectOnlyOwnTags(runToHtml(run))),
      { numRuns: 60 },
    );
  });

  test("shows what is broken before all else, worst first, with what to do and how to see it again", () => {
    const page = runToHtml(brokenRun());
    const ids = [...page.matchAll(/id="finding-case-([^"]+)"/g)].map((found) => found[1]);
    expect(ids).toEqual(["D-CERT-07-tls", "G-CERT-05-tls", "M-01-tls", "U-07-dtls"]);
    expect(page.indexOf('id="findings"')).toBeLessThan(page.indexOf('id="untested"'));
    for (const text of ["What to do", "212 bytes", "CWE-297", "Missed:", "4 attacks of 19 succeeded"])
      expect(page).toContain(text);
  });

  test("each case has an anchor of its own, though ids may look alike in one", () => {
    const page = runToHtml(sampleRun({ cases: ["a/b", "a-b", "a b", "é"].map((id) => sampleCase({ id })) }));
    const anchors = [...page.matchAll(/<details class="case" id="([^"]+)"/g)].map((found) => found[1]);
    expect(anchors).toEqual(["case-a-b", "case-a-b.2", "case-a-b.3", "case--"]);
  });

  test("a run that was interrupted says so at the top", () => {
    expect(runToHtml(interruptedRun())).toContain("SIGINT after 8 of 22 cases");
  });
});

describe("markup", () => {
  test("escapes what is put into it, once", () => {
    const inner = html`<b>${hostileText}</b>`;
    expect(html`<p title="${`"><script>`}">${[inner, undefined, false, 7]}</p>`.toString()).toBe(
      `<p title="&quot;&gt;&lt;script&gt;"><b>&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;\\u{1b}[31mred\\u{202e}]]&gt;</b>7</p>`,
    );
    expect(() => raw("</style>")).toThrow(TypeError);
  });

  test("a link to a file is a path and nothing else", () => {
    expect(relativeUrl("javascript:alert(1)")).toBe("javascript%3Aalert(1)");
    expect(relativeUrl("transcripts/a b?#.txt")).toBe("transcripts/a%20b%3F%23.txt");
    expect(relativeUrl("//example.invalid/x")).toBe("example.invalid/x");
    expect(relativeUrl("../../etc/passwd")).toBe("etc/passwd");
  });
});

describe("the picture of an exchange", () => {
  const step = (index: number, more: Partial<Step> = {}): Step => ({
    atMs: index,
    connection: 1,
    from: "lab",
    to: "gateway",
    what: `message ${index}`,
    ...more,
  });
  const labels = (steps: readonly Step[]) =>
    [
      ...sequenceDiagram(steps, "picture")
        .toString()
        .matchAll(/<title>([^<]*)<\/title>|>([^<]*left out[^<]*)<|>(connection \d+)</g),
    ].map((found) => found[1] ?? found[2] ?? found[3]);

  test("of a long one the beginning, the end and all around the attack are drawn, and the rest is counted", () => {
    const all = Array.from({ length: 400 }, (_, index) => step(index, { attack: index === 200 }));
    const shown = labels(all);
    expect(shown.length).toBeLessThan(40);
    expect(shown).toContain("lab to gateway: message 200");
    expect(shown).toContain("lab to gateway: message 0");
    expect(shown).toContain("lab to gateway: message 399");
    const leftOut = shown
      .filter((text) => text?.includes("left out"))
      .map((text) => Number(/\d+/.exec(text ?? "")?.[0]));
    expect(leftOut.reduce((sum, each) => sum + each, 0) + shown.length - leftOut.length).toBe(400);
  });

  test("the same thing again and again is one arrow", () => {
    expect(labels(Array.from({ length: 50 }, () => step(1)))).toEqual(["lab to gateway: message 1 × 50"]);
  });

  test("a second connection between the same two is announced; the two of a relay are not", () => {
    expect(labels([step(1), step(2, { connection: 2 })])).toContain("connection 2");
    expect(
      labels([
        step(1, { from: "device", to: "lab" }),
        step(2, { connection: 2 }),
        step(3, { from: "device", to: "lab" }),
      ]),
    ).toHaveLength(3);
  });

  test("an exchange that fits on the page has an actor for each end", () => {
    const text = (steps: readonly Step[]) =>
      [
        ...sequenceDiagram(steps, "picture")
          .toString()
          .matchAll(/class="actor-name \w+"[^>]*>([^<]+)/g),
      ].map((found) => found[1]);
    expect(text([step(1)])).toEqual(["lab (attacker)", "gateway"]);
    expect(text([step(1, { from: "device", to: "lab" }), step(2)])).toEqual([
      "device",
      "lab (attacker)",
      "gateway",
    ]);
  });
});
