import { describe, expect, it } from "vitest";
import { ownDevice } from "../../cli/mitm/own-device.ts";
import { certificateAttacks } from "../../mitm/catalogue/certificates/index.ts";
import { deviceSource } from "../../mitm/run/lab-sources.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { DeviceSource } from "../../mitm/run/sources.ts";
import { twinDevice } from "../../mitm/twins/device.ts";

async function verdicts(source: DeviceSource, only: readonly string[] = []): Promise<Map<string, string>> {
  const { report } = await runMitm({
    sources: [source],
    catalogue: certificateAttacks,
    only,
    seed: "certificates",
    patience: { answerMs: 2_000, silenceMs: 300 },
    deadlineMs: 20_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
  });
  return new Map(
    report.cases.map(({ id, verdict, how }) => [id, verdict === "held" ? verdict : `${verdict}: ${how}`]),
  );
}

/** What a check of certificates alone does not decide; the others are tried in test/unit/mitm/certificates.test.ts. */
const overTheNetwork = ["D-CERT-26", "D-CERT-31a", "D-CERT-33", "D-CERT-34", "D-CERT-35"];

describe("certificates shown to a device", () => {
  it("are all refused by our own device client, over TLS and DTLS", async () => {
    const own = await verdicts(deviceSource({ name: "own", lanes: 2, make: ownDevice }));
    const noStaples = "not applicable: the device asks for no OCSP response";
    expect([...own].filter(([, verdict]) => verdict !== "held")).toEqual([
      ["D-CERT-26a/tls", noStaples],
      ["D-CERT-26b/tls", noStaples],
      ["D-CERT-26c/tls", noStaples],
    ]);
    expect(own.size).toBeGreaterThan(100);
  });

  it("are all refused by a strict twin", async () => {
    const make = deviceSource({ name: "strict", lanes: 2, make: (pki) => twinDevice(pki, new Set()) });
    const strict = await verdicts(make);
    expect([...strict].filter(([, verdict]) => verdict !== "held")).toEqual([]);
  });

  it("are taken by a twin that lacks the check", async () => {
    const weak = await verdicts(
      deviceSource({
        name: "weak",
        lanes: 2,
        perCase: true,
        make: (pki, { attack }) => twinDevice(pki, new Set([attack.defeats])),
      }),
      [...overTheNetwork, "D-CERT-01a", "D-CERT-27a"],
    );
    expect([...weak].filter(([, verdict]) => !verdict.startsWith("broken: "))).toEqual([]);
    expect(weak.size).toBeGreaterThan(12);
  });
});
