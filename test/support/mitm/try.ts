/*
 * Runs cases by hand while they are written:
 *
 *     node test/support/mitm/try.ts --side gateway --target twin|strict|own --case G-CERT [--transport tls] [--steps] [--lanes 1]
 */
import { parseArgs } from "node:util";
import { catalogue } from "../../../mitm/catalogue/index.ts";
import { deviceSource, gatewaySource, pairSource } from "../../../mitm/run/lab-sources.ts";
import { runMitm } from "../../../mitm/run/run.ts";
import type { Source } from "../../../mitm/run/sources.ts";

const { values } = parseArgs({
  options: {
    side: { type: "string", default: "gateway" },
    target: { type: "string", default: "twin" },
    case: { type: "string", multiple: true, default: [] },
    transport: { type: "string" },
    steps: { type: "boolean", default: false },
    lanes: { type: "string", default: "1" },
  },
});

const interrupt = new AbortController();
process.on("SIGINT", () => interrupt.abort(new Error("interrupted")));

const lanes = Number(values.lanes);

/** Each side by itself: the others may not load yet. */
async function sourceOf(): Promise<Source> {
  const { side, target } = values;
  const weak = target === "twin";
  const kind = { name: target, lanes, perCase: weak };
  const lacks = (weakness: string) => new Set(weak ? [weakness] : []);
  if (side === "gateway") {
    if (target === "own") {
      const { ownGateway } = await import("../../../cli/mitm/own-gateway.ts");
      return gatewaySource({ ...kind, make: ownGateway });
    }
    const { twinGateway } = await import("../../../mitm/twins/gateway.ts");
    return gatewaySource({ ...kind, make: (pki, { attack }) => twinGateway(pki, lacks(attack.defeats)) });
  }
  if (side === "device") {
    if (target === "own") {
      const { ownDevice } = await import("../../../cli/mitm/own-device.ts");
      return deviceSource({ ...kind, make: ownDevice });
    }
    const { twinDevice } = await import("../../../mitm/twins/device.ts");
    return deviceSource({
      ...kind,
      make: async (pki, { attack }) => await twinDevice(pki, lacks(attack.defeats)),
    });
  }
  if (target === "own") {
    const { ownPair } = await import("../../../cli/mitm/own-pair.ts");
    return pairSource({ ...kind, make: ownPair });
  }
  const { twinPair } = await import("../../../mitm/twins/pair.ts");
  return pairSource({ ...kind, make: (pki, { attack }) => twinPair(pki, lacks(attack.defeats)) });
}

const source = await sourceOf();
const { report } = await runMitm({
  sources: [{ ...source, transports: source.transports.filter((one) => (values.transport ?? one) === one) }],
  catalogue,
  only: values.case,
  seed: "try",
  patience: { answerMs: 2_000, silenceMs: 300 },
  deadlineMs: 20_000,
  signal: interrupt.signal,
  tool: { name: "try", version: "0" },
  command: "try",
  replay: ({ id }) => id,
  onCase: (one) => {
    console.log(
      `${one.verdict.padEnd(14)} ${one.id.padEnd(18)} ${String(one.durationMs).padStart(6)} ms  ${one.title}\n    ${one.how}` +
        `${one.next === undefined ? "" : `; next: ${one.next}`}${one.leakedBytes > 0 ? `; leaked ${one.leakedBytes}` : ""}`,
    );
    if (values.steps) {
      for (const step of one.steps) {
        const mark = step.attack === true ? " *" : "";
        console.log(
          `      ${step.atMs.toFixed(1).padStart(8)} #${step.connection} ${step.from} -> ${step.to}: ${step.what}${mark} ${step.note ?? ""}`,
        );
      }
    }
  },
});
console.log(report.summary, report.notes, `${report.durationMs} ms`);
process.exitCode = 0;
