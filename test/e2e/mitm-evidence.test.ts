import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogue } from "../../mitm/catalogue/index.ts";
import { readBundle, writeBundle } from "../../mitm/record/bundle.ts";
import type { Recording } from "../../mitm/record/recorder.ts";
import { selfTest } from "../../mitm/run/self-test.ts";
import { missing, run, skipped } from "../support/programs.ts";
import { tempDirectory } from "../support/temp-directory.ts";

const lacking = missing("tshark");

/** Of TCP flows, so that tshark knows what is inside of them: they are on free ports, not on MQTT's. */
function mqttPorts(recordings: ReadonlyMap<string, Recording>): string[] {
  const flows = [...recordings.values()].flatMap((recording) => [...recording.flows.values()]);
  const ports = new Set(flows.filter(({ protocol }) => protocol === "tcp").map(({ server }) => server.port));
  return [...ports].flatMap((port) => ["-d", `tls.port==${port},mqtt`]);
}

describe("the evidence of a run of the lab", () => {
  test(`is whole, and its capture is read in the clear with its own keys, over TLS 1.2, TLS 1.3 and DTLS${skipped(lacking)}`, async ({
    skip,
  }) => {
    skip(lacking !== "", `${lacking} is not installed`);
    await using directory = tempDirectory();
    const result = await selfTest({
      lanes: 2,
      catalogue,
      only: ["G-CERT-02", "G-CERT-05"],
      seed: "1",
      patience: { answerMs: 2000, silenceMs: 300 },
      deadlineMs: 20_000,
      signal: new AbortController().signal,
      tool: { name: "sallyport mitm", version: "0" },
    });
    const folder = join(directory.path, "evidence");
    const written = await writeBundle(folder, result);
    expect(readBundle(folder).summary).toEqual({ ...written.summary, broken: 3 });
    for (const file of written.cases.flatMap(({ files }) => files))
      expect(existsSync(join(folder, file)), file).toBe(true);

    const capture = join(folder, "capture.pcapng");
    const fields = async (filter: string, ...names: readonly string[]) => {
      const wanted = names.flatMap((name) => ["-e", name]);
      const options = [
        "-r",
        capture,
        ...mqttPorts(result.recordings),
        "-Y",
        filter,
        "-T",
        "fields",
        ...wanted,
      ];
      const { exitCode, output } = await run("tshark", options);
      expect(exitCode, output).toBe(0);
      return output.split("\n").filter((line) => line !== "" && !line.startsWith("Running as user"));
    };
    expect(await fields("tcp.analysis.flags", "frame.number")).toEqual([]);
    // CONNECT and the CONNACK that let the attacker in, decrypted.
    const connects = await fields("mqtt.msgtype == 1", "frame.interface_name");
    expect(new Set(connects)).toEqual(new Set(["G-CERT-02/tls", "G-CERT-05/tls"]));
    expect((await fields("mqtt.conack.val == 0", "frame.interface_name")).length).toBeGreaterThanOrEqual(2);
    const { output } = await run("tshark", ["-r", capture, "-Y", "dtls.app_data", "-x"]);
    expect(output).toContain("Decrypted DTLS");
    // The attack is marked where it happened.
    expect(await fields('frame.comment contains "ATTACK: Certificate"', "frame.interface_name")).toContain(
      "G-CERT-05/dtls",
    );
  });
});
