import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Capture, keyLogOf, pcapng } from "../../mitm/record/pcapng.ts";
import { Recorder, type Recording } from "../../mitm/record/recorder.ts";
import { clientId, recordedDtlsSession, recordedTlsSession } from "../support/mitm/recorded-sessions.ts";
import { missing, run, skipped } from "../support/programs.ts";
import { tempDirectory } from "../support/temp-directory.ts";

const lacking = missing("tshark");

function captureOf(recording: Recording, name = "G-CERT-05/tls"): Capture {
  return { name, description: "an expired certificate: held", recording };
}

/** What tshark prints of a capture file. Its complaints about being root go to the same place and are left out. */
async function tshark(captures: readonly Capture[], ...options: readonly string[]): Promise<string> {
  await using directory = tempDirectory();
  const file = join(directory.path, "capture.pcapng");
  writeFileSync(file, Buffer.concat([...pcapng(captures)]));
  const { exitCode, output } = await run("tshark", ["-r", file, ...options]);
  expect(exitCode, output).toBe(0);
  return output.replace(/^Running as user.*\n/m, "");
}

const complaints =
  "tcp.analysis.flags || _ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
const checked = [
  ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"].flatMap((option) => [
    "-o",
    option,
  ]),
].flat();

describe.skipIf(lacking !== "")(`a capture opens in tshark${skipped(lacking)}`, () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`${version}: nothing to complain of, and the MQTT inside is read with the keys in the file`, async () => {
      const recorder = await recordedTlsSession(version);
      const port = recorder.flows.get(1)?.server.port;
      const captures = [captureOf(recorder)];
      expect(await tshark(captures, ...checked, "-Y", complaints)).toBe("");
      const mqtt = await tshark(
        captures,
        "-d",
        `tls.port==${port},mqtt`,
        "-Y",
        "mqtt",
        "-T",
        "fields",
        "-e",
        "mqtt.clientid",
        "-e",
        "mqtt.msgtype",
        "-e",
        "frame.interface_name",
      );
      expect(mqtt.split("\n").filter(Boolean)).toEqual([
        `${clientId}\t1\tG-CERT-05/tls`,
        "\t2\tG-CERT-05/tls",
      ]);
    });
  }

  test("DTLS 1.2: the datagrams of the application are read with the keys in the file", async () => {
    const captures = [captureOf(await recordedDtlsSession(), "G-CERT-05/dtls")];
    expect(await tshark(captures, ...checked, "-Y", complaints)).toBe("");
    const said = await tshark(captures, "-Y", "dtls.app_data", "-x");
    expect(said).toContain("Decrypted DTLS");
    expect(said.match(/pump-under-captu/g)?.length, said).toBeGreaterThanOrEqual(2);
  });

  test("IPv6, and a peer that an IPv6 socket names by its IPv4 address", async () => {
    const recorder = new Recorder();
    const flows = [
      { client: "::1", server: "::1", seen: "::1\t" },
      { client: "::ffff:127.0.0.1", server: "127.0.0.1", seen: "\t127.0.0.1" },
      { client: "fe80::1%eth0", server: "127.0.0.1", seen: "fe80::1\t" },
      { client: "gateway.example", server: "2001:db8::7", seen: "::ffff:192.0.2.1\t" },
    ];
    for (const protocol of ["tcp", "udp"] as const) {
      for (const { client, server } of flows) {
        const connection = recorder.connection({
          protocol,
          client: { address: client, port: 40_000 },
          server: { address: server, port: 8883 },
        });
        recorder.packet(connection, "client", Buffer.from("odd"));
        recorder.packet(connection, "server", Buffer.alloc(70_000, "x"));
      }
    }
    const captures = [captureOf(recorder)];
    expect(await tshark(captures, ...checked, "-Y", complaints)).toBe("");
    const sources = await tshark(captures, "-T", "fields", "-e", "ipv6.src", "-e", "ip.src");
    for (const { seen } of flows) expect(sources.split("\n")).toContain(seen);
  });

  test("thousands of connections on the same ports stay apart, and none of them is complained of", async () => {
    const captures = Array.from({ length: 40 }, (_, index) => {
      const recorder = new Recorder();
      for (let each = 0; each < 25; each += 1) {
        const connection = recorder.connection({
          protocol: "tcp",
          client: { address: "127.0.0.1", port: 40_000 },
          server: { address: "127.0.0.1", port: 8883 },
        });
        recorder.packet(connection, "client", Buffer.from("\x10\x00"));
      }
      return captureOf(recorder, `P-${index}/tls`);
    });
    const streams = await tshark(
      captures,
      "-Y",
      "tcp.flags.syn==1 && tcp.flags.ack==0",
      "-T",
      "fields",
      "-e",
      "tcp.stream",
    );
    expect(new Set(streams.split("\n").filter(Boolean)).size).toBe(1000);
    expect(await tshark(captures, "-Y", "tcp.analysis.flags && !tcp.analysis.reused_ports")).toBe("");
  });

  test("a socket that two layers of the lab recorded is in the capture once", async () => {
    let time = 1_700_000_000_000;
    const recorder = new Recorder(() => time);
    const flow = {
      protocol: "tcp",
      client: { address: "127.0.0.1", port: 40_000 },
      server: { address: "127.0.0.1", port: 8883 },
    } as const;
    const [coarse, fine] = [recorder.connection(flow), recorder.connection(flow)];
    recorder.packet(coarse, "client", Buffer.from("abcdef"));
    recorder.packet(fine, "client", Buffer.from("abc"));
    time += 1;
    recorder.packet(fine, "client", Buffer.from("def"));
    recorder.packet(coarse, "server", Buffer.from("ghi"));
    recorder.packet(fine, "server", Buffer.from("ghi"));
    const captures = [captureOf(recorder)];
    expect(await tshark(captures, "-Y", "tcp.analysis.flags")).toBe("");
    const lengths = await tshark(captures, "-Y", "tcp.len > 0", "-T", "fields", "-e", "tcp.len");
    expect(lengths.trim().split("\n")).toEqual(["3", "3", "3"]);
  });

  test("the transcript is written to the packets, and a run without a packet is a capture too", async () => {
    const recorder = await recordedTlsSession("TLSv1.3");
    const comments = await tshark(
      [captureOf(recorder)],
      "-Y",
      "frame.comment",
      "-T",
      "fields",
      "-e",
      "frame.comment",
    );
    expect(comments).toContain("G-CERT-05/tls, connection 1");
    expect(comments).toContain("ATTACK: MQTT CONNECT");
    expect(await tshark([captureOf(new Recorder())])).toBe("");
    expect(await tshark([])).toBe("");
  });
});

test("the key log holds lines of that format only, each once", () => {
  const recorder = new Recorder();
  const line = `CLIENT_RANDOM ${"ab".repeat(32)} ${"cd".repeat(48)}`;
  for (const each of [line, line, "-----BEGIN PRIVATE KEY-----", "x\ny", ""]) recorder.secret(each);
  expect(keyLogOf([captureOf(recorder)])).toBe(`${line}\n`);
});
