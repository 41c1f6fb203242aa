import { connect as connectTcp } from "node:net";
import { type ConnectionOptions } from "node:tls";
import { expect, test } from "vitest";
import { failingHandshake } from "../support/failing-handshake.ts";
import { connectBytes, publishBytes } from "../support/mqtt-bytes.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test("P-16: a PUBLISH that ends in the middle is delivered to nobody", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got: string[] = [];
  operator.on("message", (_topic, payload) => got.push(String(payload)));
  await operator.subscribeAsync("devices/#");
  const raw = await at.dial((await at.peer("d1")).tls);
  raw.send(connectBytes("d1"), publishBytes("devices/d1/up/a", "whole"));
  raw.send(publishBytes("devices/d1/up/a", "x".repeat(500)).subarray(0, 100));
  await until("the whole one", () => got.length === 1);
  raw.socket.end();
  await at.event("session.closed");
  expect(got).toEqual(["whole"]);
});

test.each([
  [
    "P-01: TLS 1.1",
    { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
    "tls_version",
  ],
  [
    "P-04: a CBC suite",
    { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" },
    "tls_no_shared_cipher",
  ],
  [
    "P-04: a suite without forward secrecy",
    { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" },
    "tls_no_shared_cipher",
  ],
  ["P-04: a group that is not offered", { ecdhCurve: "P-521" }, "tls_no_shared_cipher"],
  ["P-14: ALPN for another protocol", { ALPNProtocols: ["http/1.1"] }, "tls_no_application_protocol"],
] as const)("%s is refused in the handshake", async (_title, over, reason) => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const options = { ...peer.tls, ...over } as ConnectionOptions;
  expect(await failingHandshake(options)).toMatch(/ALERT|HANDSHAKE_FAILURE|ECONNRESET|closed/);
  expect(await at.refusal()).toBe(reason);
  await at.connect(peer);
});

test("P-15: another name in SNI changes nothing", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial({ ...peer.tls, servername: "other.tenant.example" });
  raw.send(connectBytes("a"));
  expect((await raw.untilReceived(4)).toString("hex")).toBe("20020000");
});

test("P-07: a client's renegotiation is refused, the first one already", async () => {
  await using at = await TestGateway.start();
  const { tls } = await at.peer("a");
  const raw = await at.dial({ ...tls, maxVersion: "TLSv1.2" });
  let outcome: string | undefined;
  raw.socket.on("error", (error: NodeJS.ErrnoException) => {
    outcome ??= error.code;
  });
  raw.socket.renegotiate({}, (error) => {
    outcome ??= error?.message ?? "renegotiated";
  });
  await until("an outcome", () => outcome !== undefined);
  expect(outcome).toBe("ERR_SSL_NO_RENEGOTIATION");
});

test.each([
  ["P-21: MQTT in the clear", connectBytes("a")],
  ["P-21: HTTP in the clear", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
])("%s gets no answer that is not a TLS alert", async (_title, bytes) => {
  await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 500 } });
  const socket = connectTcp(at.gateway.mqttPort, "127.0.0.1");
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => socket.once("close", resolve));
  expect(await at.refusal()).toMatch(/^(not_tls|handshake_timeout)$/);
  expect(received.length === 0 || received[0] === 21).toBe(true);
});

test("P-20: a handshake that does not go on is ended, and counted until then", async () => {
  await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 1000, handshakesPerAddress: 3 } });
  const peer = await at.peer("a");
  const stuck = Array.from({ length: 3 }, () => connectTcp(at.gateway.mqttPort, "127.0.0.1"));
  for (const socket of stuck) socket.on("error", () => undefined);
  await Promise.all(stuck.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  expect(await failingHandshake(peer.tls)).not.toBe("connected");
  expect((await at.event("connection.refused")).reason).toBe("too_many_handshakes");
  await until(
    "three time-outs",
    () => at.eventsOf("connection.refused").filter((one) => one.reason === "handshake_timeout").length === 3,
  );
  await at.connect(peer);
});

test.each([
  [{ connections: 2 }, "too_many_connections"],
  [{ connectionsPerAddress: 2 }, "too_many_connections_from_address"],
] as const)("P-20: %o is kept, and a place is free again after a close", async (limits, reason) => {
  await using at = await TestGateway.start({ limits });
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  await at.dial(peer.tls);
  expect(await failingHandshake(peer.tls)).not.toBe("connected");
  expect(await at.refusal()).toBe(reason);
  first.socket.destroy();
  await until("the place is free", () => at.eventsOf("connection.refused").length > 1);
  await at.dial(peer.tls);
});

test("a handshake that its peer breaks off is told with the peer's address", async () => {
  await using at = await TestGateway.start();
  const socket = connectTcp(at.gateway.mqttPort, "127.0.0.1");
  // The beginning of a record that never comes.
  socket.write(Buffer.from("160301", "hex"), () => socket.destroy());
  expect(await at.event("connection.refused")).toMatchObject({
    reason: "handshake_aborted",
    address: "127.0.0.1",
  });
});
