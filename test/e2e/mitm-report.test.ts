import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runToHtml } from "../../mitm/report/html.ts";
import type { RunReport } from "../../mitm/report/run-report.ts";
import { Browser, browserProgram, type Look, type Visit } from "../support/mitm/browser.ts";
import {
  brokenRun,
  hostileText,
  interruptedRun,
  sampleCase,
  sampleRun,
} from "../support/mitm/sample-runs.ts";
import { missing, skipped } from "../support/programs.ts";
import { tempDirectory } from "../support/temp-directory.ts";

const lacking = missing(browserProgram);
const phone: Look = { width: 390, scheme: "light" };
const desk: Look = { width: 1280, scheme: "dark" };

const longWord = "x".repeat(3000);
/** Every text is hostile, and has words that no line has room for. */
function hostileRun(): RunReport {
  const text = `${hostileText} </script></style></title>--> ${longWord}`;
  const cases = ["A/tls", "B/tls", "C/dtls"].map((id, index) =>
    sampleCase({
      id: `${id} ${text}`,
      attack: text,
      title: text,
      verdict: index === 0 ? "broken" : index === 1 ? "inconclusive" : "held",
      how: text,
      delivery: text,
      refusedAt: text,
      alert: text,
      next: text,
      replay: text,
      files: [text],
      weakness: { name: text, what: text, remedy: text },
      reference: { rfc: [text], cwe: [298], en303645: [text], cra: [text], also: [text] },
      control: { ok: true, how: text, ms: 1 },
      steps: [{ atMs: 1, connection: 1, from: "lab", to: "gateway", what: text, note: text, attack: true }],
    }),
  );
  const targets = [{ side: "gateway" as const, name: text, endpoints: [text] }];
  return sampleRun({
    cases,
    targets,
    seed: text,
    command: text,
    notes: [text],
    interrupted: text,
    killRate: { detected: 1, total: 2, missed: [text] },
  });
}

describe.skipIf(lacking !== "")(`the page in a browser${skipped(lacking)}`, () => {
  let browser: Browser;
  beforeAll(() => {
    browser = new Browser();
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
  });

  /** Opens the page of a run from a file, as a reader does. */
  async function open<T>(
    run: RunReport,
    look: Look,
    use: (visit: Visit) => Promise<T>,
    fragment = "",
  ): Promise<T> {
    await using directory = tempDirectory();
    const file = join(directory.path, "report.html");
    writeFileSync(file, runToHtml(run));
    return await browser.visit(pathToFileURL(file).href + fragment, look, use);
  }

  const overflow = `(() => {
    const wide = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll *, details:not([open]) > :not(summary)") && one.getBoundingClientRect().right > wide + 1);
    return { scrolls: document.documentElement.scrollWidth - wide, out: out.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) };
  })()`;

  for (const look of [phone, desk]) {
    test.each([
      ["with findings", brokenRun()],
      ["without", sampleRun()],
      ["interrupted", interruptedRun()],
      ["whose texts are all hostile", hostileRun()],
      ["without a case", sampleRun({ cases: [], targets: [] })],
    ])(
      `at ${look.width} px, of a run %s: nothing sticks out, nothing is complained of, nothing is asked for`,
      async (_, run) => {
        await open(run, look, async (visit) => {
          expect(await visit.evaluate(overflow)).toEqual({ scrolls: 0, out: [] });
          await visit.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
          expect(await visit.evaluate(overflow)).toEqual({ scrolls: 0, out: [] });
          expect(visit.complaints).toEqual([]);
          expect(visit.requests).toEqual([]);
          expect(
            await visit.evaluate(
              'document.querySelectorAll("img, iframe, script:not(:last-of-type)").length',
            ),
          ).toBe(0);
        });
      },
    );
  }

  test("findings are seen, with and without script", async () => {
    for (const javaScript of [true, false]) {
      await open(brokenRun(), { ...phone, javaScript }, async (visit) => {
        const seen = await visit.evaluate(
          `[...document.querySelectorAll(".finding")].map((one) => [one.checkVisibility(), one.querySelector(".id").textContent, one.querySelector("svg").getBoundingClientRect().height > 100])`,
        );
        expect(seen).toEqual(
          ["D-CERT-07/tls", "G-CERT-05/tls", "M-01/tls", "U-07/dtls"].map((id) => [true, id, true]),
        );
        const attack =
          'getComputedStyle(document.querySelector(".sequence .attack line")).stroke !== getComputedStyle(document.querySelector(".sequence .step:not(.attack) line")).stroke';
        expect(await visit.evaluate(attack)).toBe(true);
        expect(await visit.evaluate('document.getElementById("filter").checkVisibility()')).toBe(javaScript);
      });
    }
  });

  test("text is readable on what lies below it, light and dark", async () => {
    const contrast = `(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
      const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
      const light = (colour) => { const [r, g, b] = rgba(colour).map((part) => { const c = part / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const below = (one) => { for (let up = one; up; up = up.parentElement) { const colour = getComputedStyle(up).backgroundColor; if (rgba(colour)[3] === 255) return colour; } return "white"; };
      const poor = [];
      for (const one of document.querySelectorAll("main *:not(svg, svg *)")) {
        if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")) continue;
        const [a, b] = [light(getComputedStyle(one).color), light(below(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push(one.className + " " + one.tagName + " " + ratio.toFixed(2));
      }
      return [...new Set(poor)];
    })()`;
    // WCAG 2.2, success criterion 1.4.3.
    for (const scheme of ["light", "dark"] as const) {
      expect(
        await open(brokenRun(), { ...desk, scheme }, (visit) => visit.evaluate(contrast)),
        scheme,
      ).toEqual([]);
    }
  });

  test("the list of cases is narrowed down, and a link opens the case that it leads to", async () => {
    await open(
      brokenRun(),
      desk,
      async (visit) => {
        expect(await visit.evaluate('document.querySelector("#case-G-CERT-05-tls").open')).toBe(true);
        const narrow = (name: string, value: string) =>
          visit.evaluate(
            `(() => { const field = document.getElementById("filter").elements.${name}; field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event("input", { bubbles: true })); return [document.getElementById("shown").textContent, [...document.querySelectorAll("details.case")].filter((one) => one.checkVisibility()).length]; })()`,
          );
        expect(await narrow("verdict", "broken")).toEqual(["4 of 21 cases", 4]);
        expect(await narrow("side", "gateway")).toEqual(["2 of 21 cases", 2]);
        expect(await narrow("text", "cwe-298")).toEqual(["1 of 21 cases", 1]);
        // A link to a case that the list does not show.
        await visit.evaluate(
          'location.hash = "#case-P-17-tls"; new Promise((resolve) => setTimeout(resolve))',
        );
        expect(
          await visit.evaluate(
            'document.querySelector("#case-P-17-tls").checkVisibility() && document.querySelector("#case-P-17-tls").open',
          ),
        ).toBe(true);
        expect(visit.complaints).toEqual([]);
      },
      "#case-G-CERT-05-tls",
    );
  });
});
