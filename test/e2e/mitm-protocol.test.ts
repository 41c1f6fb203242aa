import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ownDevice } from "../../cli/mitm/own-device.ts";
import { ownGateway } from "../../cli/mitm/own-gateway.ts";
import { protocolAttacks } from "../../mitm/catalogue/protocol/index.ts";
import { RawTcp } from "../../mitm/path/raw-tcp.ts";
import { RawUdp } from "../../mitm/path/raw-udp.ts";
import { Recorder } from "../../mitm/record/recorder.ts";
import type { CaseReport } from "../../mitm/report/run-report.ts";
import { deviceSource, gatewaySource } from "../../mitm/run/lab-sources.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { Source } from "../../mitm/run/sources.ts";

async function casesOn(...sources: readonly Source[]): Promise<readonly CaseReport[]> {
  const { report } = await runMitm({
    sources,
    catalogue: protocolAttacks,
    seed: "protocol",
    patience: { answerMs: 2_000, silenceMs: 300 },
    deadlineMs: 20_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
  });
  expect(report.cases).toHaveLength(protocolAttacks.length);
  return report.cases;
}

/** Everything that did not go as it should, in a line each. */
function otherThan(verdict: string, cases: readonly CaseReport[]): string[] {
  return cases.filter((one) => one.verdict !== verdict).map((one) => `${one.id}: ${one.verdict}, ${one.how}`);
}

/** What our own ends have to say of a case: that it was refused for this reason and no other. */
const reasons: Readonly<Record<string, RegExp>> = {
  "P-01a": /tls_version/,
  "P-01b": /protocol_version; .*tls_version/,
  "P-01c": /protocol_version; .*tls_version/,
  "P-02a": /alert illegal_parameter/,
  "P-02b": /alert protocol_version/,
  "P-04a": /tls_no_shared_cipher/,
  "P-04e": /tls_no_shared_cipher/,
  "P-04f": /tls_no_shared_cipher/,
  "P-04h": /went on, without it/,
  "P-05a": /alert illegal_parameter/,
  "P-05g": /alert unsupported_extension/,
  "P-06a": /alert illegal_parameter/,
  "P-06f": /alert illegal_parameter/,
  "P-06i": /alert illegal_parameter/,
  "P-07a": /no_renegotiation/,
  "P-09a": /no_certificate/,
  "P-10a": /certificate_revoked/,
  "P-10b": /certificate_revoked/,
  "P-10c": /device_unknown/,
  "P-10e": /certificate_expired/,
  "P-11a": /no_certificate/,
  "P-11c": /alert decrypt_error/,
  "P-13a": /passed over/,
  "P-14a": /tls_no_application_protocol/,
  "P-18a": /alert unexpected_message/,
  "P-18p": /alert record_overflow/,
  "P-18r": /alert unexpected_message/,
  "P-19a": /alert decrypt_error/,
  "P-19e": /alert decrypt_error/,
  "P-20d": /connections were refused/,
  "P-22a": /tls_overhead/,
  "P-22b": /closed|reset/,
  "P-22c": /alert unexpected_message/,
};

describe("versions, suites, records and the order of messages", () => {
  test("our own gateway and device hold against each of them", async () => {
    const cases = await casesOn(
      gatewaySource({ name: "own", lanes: 2, make: ownGateway }),
      deviceSource({ name: "own", lanes: 2, make: ownDevice }),
    );
    const wrong = cases.filter(({ attack, how }) => reasons[attack]?.test(how) === false);
    expect(wrong.map(({ id, how }) => `${id}: ${how}`)).toEqual([]);
    // Our own device asks for no protocol by ALPN: there is nothing that a gateway could answer amiss.
    expect(otherThan("held", cases)).toEqual([expect.stringMatching(/^P-14b\/tls: not applicable/)]);
  });
});

describe("bytes of any kind", () => {
  const open: Array<{ destroy(): void } | Server> = [];
  afterEach(() => {
    for (const one of open.splice(0).toReversed()) {
      if ("close" in one) one.close();
      else one.destroy();
    }
  });

  async function rawTo(serve: (socket: Socket) => void): Promise<{ raw: RawTcp; recorder: Recorder }> {
    const server = createServer((socket) => {
      open.push(socket);
      socket.on("error", () => undefined);
      serve(socket);
    });
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const recorder = new Recorder();
    const options = { recorder, peer: "gateway", timeoutMs: 1_000 } as const;
    const raw = await RawTcp.connect({ host: "127.0.0.1", port }, options);
    open.push(raw);
    return { raw, recorder };
  }

  test("records are read one by one, alerts by their names, other bytes as they come", async () => {
    const { raw } = await rawTo((socket) => {
      socket.end(Buffer.from("16030300040e0000001503030002024620020000", "hex"));
    });
    expect(await raw.read(1_000)).toEqual({ kind: "data", data: Buffer.from("16030300040e000000", "hex") });
    expect(await raw.read(1_000)).toEqual({ kind: "alert", alert: "protocol_version", fatal: true });
    expect(await raw.read(1_000)).toEqual({ kind: "data", data: Buffer.from("20020000", "hex") });
    expect(await raw.read(1_000)).toEqual({ kind: "closed", how: "closed" });
  });

  test("a record that never becomes whole is given out when the connection ends", async () => {
    const { raw } = await rawTo((socket) => socket.end(Buffer.from("160303ff", "hex")));
    expect(await raw.read(1_000)).toEqual({ kind: "data", data: Buffer.from("160303ff", "hex") });
    expect(await raw.read(1_000)).toEqual({ kind: "closed", how: "closed" });
  });

  test("silence is silence, and what is written is on record with its name", async () => {
    const { raw, recorder } = await rawTo((socket) => socket.resume());
    expect(
      raw.write(Buffer.from("100c00044d5154540402003c0000", "hex"), { attack: true, note: "in clear" }),
    ).toBe(true);
    expect(await raw.read(20)).toEqual({ kind: "silence" });
    expect(recorder.steps).toMatchObject([
      { from: "lab", to: "gateway", what: "MQTT CONNECT", attack: true, note: "in clear" },
    ]);
    expect(recorder.delivered).toBeUndefined();
    raw.destroy();
    expect(raw.write(Uint8Array.of(0))).toBe(false);
  });

  test("a peer that floods is not read without an end", async () => {
    let sent = 0;
    const { raw } = await rawTo((socket) => {
      const more = () => {
        while (socket.write(Buffer.alloc(65_536, 0x41))) sent += 65_536;
      };
      socket.on("drain", more);
      more();
    });
    // What the kernel keeps for both ends is not the lab's.
    await expect.poll(() => raw.bytesReceived).toBeGreaterThan(2 ** 18);
    expect(raw.bytesReceived).toBeLessThan(2 ** 18 + 2 ** 17);
    expect(sent).toBeGreaterThan(0);
  });

  test("nobody listens: that is an error of the lab's own", async () => {
    const { raw } = await rawTo((socket) => socket.resume());
    raw.destroy();
    const options = { recorder: new Recorder(), peer: "gateway", timeoutMs: 1_000 } as const;
    const refused = RawTcp.connect({ host: "127.0.0.1", port: 1 }, options);
    await expect(refused).rejects.toMatchObject({ code: "MITM_ADDRESS" });
  });

  test("a datagram to nobody comes back as an unreachable port", async () => {
    const raw = await RawUdp.connect(
      { host: "127.0.0.1", port: 1 },
      { recorder: new Recorder(), peer: "gateway" },
    );
    open.push(raw);
    expect(raw.send(Uint8Array.of(1))).toBe(true);
    expect(await raw.read(1_000)).toEqual({ kind: "closed", how: "port unreachable" });
  });
});
