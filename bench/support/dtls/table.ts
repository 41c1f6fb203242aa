import { median } from "../measure.ts";
import type { Cell, Results, ScaleStep } from "./run.ts";
import type { ServerKind, ServerName } from "./servers.ts";
import { type Aim, aimFor, type WorkloadName, workloads } from "./workloads.ts";

/** Medians over the rounds of one server on one workload. */
interface Summary {
  readonly rounds: number;
  readonly cpuUs?: number;
  /** The best round's: less disturbed by whatever else the machine does. */
  readonly leastCpuUs?: number;
  readonly perSecond?: number;
  /** Share of one core the server used: well below 1, and the rate is bounded by the load generator. */
  readonly busy?: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
  readonly kilobytesEach?: number;
  readonly kilobytesEachUncollected?: number;
  readonly errors?: readonly string[];
}

export interface Row {
  readonly workload: WorkloadName;
  readonly title: string;
  readonly servers: Partial<Record<ServerName, Summary>>;
  /** Ours over the other's, as "ours / openssl": below 1 is cheaper. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly aim?: Aim;
  readonly met?: boolean;
}

export function summarize(results: Results, servers: readonly ServerKind[], nodeVersion: string): Row[] {
  const openssl = servers.find(({ name }) => name === "openssl")?.version ?? "";
  const nodeMajor = Number(/\d+/.exec(nodeVersion)?.[0]);
  return [...results].map(([workload, cells]) => {
    const summaries: Partial<Record<ServerName, Summary>> = {};
    for (const [name, cell] of cells) summaries[name] = summaryOf(cell);
    const ratios: Record<string, number> = {};
    const costOf = (name: ServerName) => summaries[name]?.cpuUs ?? summaries[name]?.kilobytesEach;
    for (const { title, mine, theirs } of pairsOf(servers)) {
      const [cost, other] = [costOf(mine), costOf(theirs)];
      if (cost !== undefined && other !== undefined) ratios[title] = cost / other;
    }
    const aim = aimFor(workload, nodeMajor, openssl);
    const met =
      aim === undefined ? undefined : isMet(aim, ratios["ours / openssl"], summaries.ours?.kilobytesEach);
    return {
      workload,
      title: workloads[workload].title,
      servers: summaries,
      ratios,
      ...(aim === undefined ? {} : { aim }),
      ...(met === undefined ? {} : { met }),
    };
  });
}

/** Two Markdown tables: cost per operation with ratios and aims, then wall rates and times. */
export function printTables(rows: readonly Row[], servers: readonly ServerKind[]): string {
  const names = servers.map(({ name }) => name);
  const pairs = pairsOf(servers);
  const cost = [
    ["CPU time of the server", ...servers.map(headOf), ...pairs.map(({ title }) => title), "aim"],
    ...rows.map((row) => [
      row.title,
      ...names.map((name) => costText(row.servers[name])),
      ...pairs.map(({ title }) => ratioText(row.ratios[title])),
      aimText(row),
    ]),
  ];
  const rates = [
    ["a second, wall clock (share of a core; p50 / p99)", ...names],
    ...rows
      .filter((row) => row.workload !== "idle")
      .map((row) => [row.title, ...names.map((name) => rateText(row.servers[name]))]),
  ];
  return `${markdown(cost)}\n\n${markdown(rates)}\n`;
}

/** What several threads are worth over one. */
export function printWorkers(rows: readonly Row[], workers: number): string {
  const lines = rows.map(({ title, servers: { ours: one, "ours-workers": several } }) => [
    title,
    rateText(one),
    rateText(several),
    ratioText((several?.perSecond ?? 0) / (one?.perSecond ?? 0)),
    costText(one),
    costText(several),
  ]);
  const threads = `${workers} threads`;
  const head = ["a second, wall clock (share of a core; p50 / p99)", "1 thread", threads, "gain"];
  return `${markdown([[...head, "CPU, 1 thread", `CPU, ${threads}`], ...lines])}\n`;
}

export function printScale(steps: ReadonlyMap<ServerKind, readonly ScaleStep[]>): string {
  const lines = [["held associations", "", "CPU per handshake", "CPU per echo", "memory each"]];
  for (const [kind, found] of steps) {
    for (const { held, handshakeCpuUs, echoCpuUs, bytesEach } of found) {
      lines.push([
        held.toLocaleString("en"),
        headOf(kind),
        `${digits(handshakeCpuUs)} us`,
        `${digits(echoCpuUs)} us`,
        `${digits(bytesEach / 1000)} kB`,
      ]);
    }
  }
  return `${markdown(lines)}\n`;
}

/** Each of ours beside each that is not. */
function pairsOf(servers: readonly ServerKind[]) {
  const isOurs = ({ name }: ServerKind) => name.startsWith("ours");
  const others = servers.filter((server) => !isOurs(server));
  return servers
    .filter(isOurs)
    .flatMap(({ name: mine }) =>
      others.map(({ name: theirs }) => ({ title: `${mine} / ${theirs}`, mine, theirs })),
    );
}

function headOf({ name, version }: ServerKind): string {
  return `${name} (${version})`;
}

function isMet(aim: Aim, ratio: number | undefined, kilobytes: number | undefined): boolean | undefined {
  if (aim.ratio !== undefined) return ratio === undefined ? undefined : ratio <= aim.ratio;
  if (aim.kilobytes !== undefined) return kilobytes === undefined ? undefined : kilobytes <= aim.kilobytes;
  return undefined;
}

function summaryOf({ measured, memory, errors }: Cell): Summary {
  const failures = errors.length > 0 ? { errors } : {};
  if (memory.length > 0) {
    return {
      rounds: memory.length,
      kilobytesEach: median(memory.map((m) => m.bytesEach)) / 1000,
      kilobytesEachUncollected: median(memory.map((m) => m.bytesEachUncollected)) / 1000,
      ...failures,
    };
  }
  if (measured.length === 0) return { rounds: 0, ...failures };
  return {
    rounds: measured.length,
    cpuUs: median(measured.map((m) => m.cpuNs / m.operations / 1000)),
    leastCpuUs: Math.min(...measured.map((m) => m.cpuNs / m.operations / 1000)),
    perSecond: median(measured.map((m) => (m.operations / m.wallMs) * 1000)),
    busy: median(measured.map((m) => m.cpuNs / m.wallMs / 1e6)),
    p50Us: median(measured.map((m) => m.p50Us)),
    p99Us: median(measured.map((m) => m.p99Us)),
    ...failures,
  };
}

function costText(summary: Summary | undefined): string {
  if (summary?.cpuUs !== undefined) return `${digits(summary.cpuUs)} us`;
  if (summary?.kilobytesEach !== undefined) {
    const uncollected = summary.kilobytesEachUncollected ?? summary.kilobytesEach;
    const collected = digits(summary.kilobytesEach);
    return digits(uncollected) === collected
      ? `${collected} kB`
      : `${collected} kB (${digits(uncollected)} uncollected)`;
  }
  return summary?.errors === undefined ? "" : "failed";
}

function rateText(summary: Summary | undefined): string {
  if (summary?.perSecond === undefined) return summary?.errors === undefined ? "" : "failed";
  const times = `${digits((summary.p50Us ?? 0) / 1000)} / ${digits((summary.p99Us ?? 0) / 1000)} ms`;
  const rate = Math.round(summary.perSecond).toLocaleString("en");
  return `${rate} (${Math.round((summary.busy ?? 0) * 100)} %; ${times})`;
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}x`;
}

function aimText({ aim, met }: Row): string {
  if (aim === undefined) return "";
  const wanted = aim.ratio === undefined ? `${aim.kilobytes} kB` : `${aim.ratio.toFixed(2)}x`;
  return `<= ${wanted}${met === undefined ? "" : met ? ": met" : ": missed"}`;
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
