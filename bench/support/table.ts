import type { BrokerName } from "./brokers.ts";
import { type Measured, median } from "./measure.ts";
import type { Cell, Results } from "./runner.ts";
import { type WorkloadName, workloads } from "./workloads.ts";

/** Medians over the rounds of one broker on one workload. */
interface Summary {
  readonly rounds: number;
  /** CPU microseconds of the broker per operation; absent for memory. */
  readonly cpuUs?: number;
  /** The best round's: less disturbed by whatever else the machine does. */
  readonly leastCpuUs?: number;
  readonly perSecond?: number;
  /** Share of one core the broker used: well below 1, and the wall rate is bounded by something else. */
  readonly brokerBusy?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly kilobytesEach?: number;
  readonly resumed?: number;
  readonly errors?: readonly string[];
}

export interface Row {
  readonly workload: WorkloadName;
  readonly title: string;
  readonly brokers: Partial<Record<BrokerName, Summary>>;
  /** Our gateway's cost over the other's: below 1 is cheaper. */
  readonly ratios: Readonly<Record<string, number>>;
}

export function summarize(results: Results): Row[] {
  return [...results].map(([workload, cells]) => {
    const brokers = Object.fromEntries([...cells].map(([name, cell]) => [name, summaryOf(cell)]));
    return { workload, title: workloads[workload].title, brokers, ratios: ratiosOf(brokers) };
  });
}

/** Two Markdown tables: cost per operation with ratios, then wall rates and latencies. */
export function printTables(rows: readonly Row[], names: readonly BrokerName[]): string {
  const ratioNames = [...new Set(rows.flatMap((row) => Object.keys(row.ratios)))];
  const cost = [
    ["broker CPU time per operation", ...names, ...ratioNames],
    ...rows.map((row) => [
      row.title,
      ...names.map((name) => costText(row.brokers[name])),
      ...ratioNames.map((name) => ratioText(row.ratios[name])),
    ]),
  ];
  const rates = [
    ["a second, wall clock (share of a core; p50 / p99)", ...names],
    ...rows
      .filter((row) => row.workload !== "idle")
      .map((row) => [row.title, ...names.map((name) => rateText(row.brokers[name]))]),
  ];
  return `${markdown(cost)}\n\n${markdown(rates)}\n`;
}

function summaryOf({ measured, errors }: Cell): Summary {
  const failures = errors.length > 0 ? { errors } : {};
  if (measured.length === 0) return { rounds: 0, ...failures };
  const of = (value: (m: Measured) => number | undefined) =>
    median(measured.map((m) => value(m) ?? Number.NaN));
  const perSecond = of((m) => (m.operations / m.wallMs) * 1000);
  if (measured[0]?.bytesEach !== undefined) {
    return {
      rounds: measured.length,
      kilobytesEach: of((m) => (m.bytesEach ?? 0) / 1000),
      perSecond,
      ...failures,
    };
  }
  return {
    rounds: measured.length,
    cpuUs: of((m) => m.cpuNs / m.operations / 1000),
    leastCpuUs: Math.min(...measured.map((m) => m.cpuNs / m.operations / 1000)),
    perSecond,
    brokerBusy: of((m) => m.cpuNs / m.wallMs / 1e6),
    ...(measured[0]?.latencyMs === undefined
      ? {}
      : { p50Ms: of((m) => m.latencyMs?.p50), p99Ms: of((m) => m.latencyMs?.p99) }),
    ...(measured[0]?.resumed === undefined ? {} : { resumed: of((m) => m.resumed) }),
    ...failures,
  };
}

function ratiosOf(brokers: Partial<Record<BrokerName, Summary>>): Record<string, number> {
  const ratios: Record<string, number> = {};
  const costOf = (name: BrokerName) => brokers[name]?.cpuUs ?? brokers[name]?.kilobytesEach;
  for (const ours of ["gateway", "gateway-memory"] as const) {
    for (const other of ["aedes", "mosquitto"] as const) {
      const [mine, theirs] = [costOf(ours), costOf(other)];
      if (mine !== undefined && theirs !== undefined) ratios[`${ours} / ${other}`] = mine / theirs;
    }
  }
  return ratios;
}

function costText(summary: Summary | undefined): string {
  if (summary?.cpuUs !== undefined) return `${digits(summary.cpuUs)} us`;
  if (summary?.kilobytesEach !== undefined) return `${digits(summary.kilobytesEach)} kB`;
  return summary?.errors === undefined ? "" : "failed";
}

function rateText(summary: Summary | undefined): string {
  if (summary?.perSecond === undefined) return summary?.errors === undefined ? "" : "failed";
  const notes = [
    `${Math.round((summary.brokerBusy ?? 0) * 100)} %`,
    ...(summary.p50Ms === undefined
      ? []
      : [`${digits(summary.p50Ms)} / ${digits(summary.p99Ms ?? Number.NaN)} ms`]),
    ...(summary.resumed === undefined ? [] : [`${Math.round(summary.resumed * 100)} % resumed`]),
  ];
  return `${Math.round(summary.perSecond).toLocaleString("en")} (${notes.join("; ")})`;
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}x`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function markdown(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const row = (line: readonly string[]) =>
    `| ${line.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = lines;
  return [row(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(row)].join(
    "\n",
  );
}
