import fc from "fast-check";
import type { Severity, Side, Transport } from "../../../mitm/attack.ts";
import type { Actor, Step } from "../../../mitm/record/recorder.ts";
import { type CaseReport, type RunReport, summarise, verdicts } from "../../../mitm/report/run-report.ts";
import { hostileText } from "./sample-runs.ts";

/** Any sequence of UTF-16 code units, lone surrogates and controls too, and texts that are markup somewhere. */
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    hostileText,
    "]]>",
    "<!--",
    "{0}",
    "[a](1)",
    "\r\n",
    "\ud800",
    "\ufffe",
    "__proto__",
    "</script>",
    "x".repeat(20_000),
  ),
);

const actor = fc.constantFrom<Actor>("lab", "device", "gateway");
const number = fc.double({ min: 0, max: 1e12, noNaN: true });
const size = fc.nat({ max: 2 ** 30 });

const anyStep: fc.Arbitrary<Step> = fc.record(
  {
    atMs: number,
    connection: size,
    from: actor,
    to: actor,
    what: anyText,
    bytes: size,
    attack: fc.boolean(),
    note: anyText,
  },
  { requiredKeys: ["atMs", "connection", "from", "to", "what"] },
);

const anyCase: fc.Arbitrary<CaseReport> = fc.record(
  {
    id: anyText,
    attack: anyText,
    title: anyText,
    side: fc.constantFrom<Side>("gateway", "device", "pair"),
    transport: fc.constantFrom<Transport>("tls", "dtls"),
    severity: fc.constantFrom<Severity>("critical", "high", "medium", "low"),
    weakness: fc.record({ name: anyText, what: anyText, remedy: anyText }),
    reference: fc.record(
      {
        rfc: fc.array(fc.oneof(anyText, fc.constant("RFC 8446 §4.4.2.4")), { maxLength: 3 }),
        cwe: fc.array(fc.nat({ max: 1500 }), { maxLength: 3 }),
        en303645: fc.array(fc.oneof(anyText, fc.constant("5.5-1")), { maxLength: 3 }),
        cra: fc.array(fc.oneof(anyText, fc.constant("I(2)(d)")), { maxLength: 3 }),
        also: fc.array(fc.oneof(anyText, fc.constant("CVE-2014-0224")), { maxLength: 3 }),
      },
      { requiredKeys: ["rfc", "cwe"] },
    ),
    verdict: fc.constantFrom(...verdicts),
    how: anyText,
    control: fc.record({ ok: fc.boolean(), how: anyText, ms: number }),
    delivery: anyText,
    refusedAt: anyText,
    alert: anyText,
    next: anyText,
    leakedBytes: size,
    durationMs: number,
    steps: fc.array(anyStep, { maxLength: 20 }),
    replay: anyText,
    files: fc.array(anyText, { maxLength: 3 }),
  },
  {
    requiredKeys: [
      ...([
        "id",
        "attack",
        "title",
        "side",
        "transport",
        "severity",
        "weakness",
        "reference",
        "verdict",
        "how",
      ] as const),
      ...(["control", "leakedBytes", "durationMs", "steps", "replay", "files"] as const),
    ],
  },
);

/** A run document whose texts are anything that a target can say, and more. */
export const anyRun: fc.Arbitrary<RunReport> = fc
  .record(
    {
      schema: fc.constant("sallyport-mitm/1" as const),
      tool: fc.record({ name: anyText, version: anyText }),
      startedAt: fc
        .date({ min: new Date("2020-01-01"), max: new Date("2090-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString()),
      durationMs: number,
      seed: anyText,
      command: anyText,
      targets: fc.array(
        fc.record({
          side: fc.constantFrom<Side>("gateway", "device", "pair"),
          name: anyText,
          endpoints: fc.array(anyText, { maxLength: 2 }),
        }),
        { maxLength: 3 },
      ),
      cases: fc.uniqueArray(anyCase, { maxLength: 8, selector: ({ id }) => id }),
      killRate: fc.record({ detected: size, total: size, missed: fc.array(anyText, { maxLength: 3 }) }),
      interrupted: anyText,
      notes: fc.array(anyText, { maxLength: 3 }),
    },
    {
      requiredKeys: [
        "schema",
        "tool",
        "startedAt",
        "durationMs",
        "seed",
        "command",
        "targets",
        "cases",
        "notes",
      ],
    },
  )
  .map((run) => ({ ...run, summary: summarise(run.cases) }));
