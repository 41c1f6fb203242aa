import { expect, test } from "vitest";
import { connectBytes, packetsIn, publishBytes, subscribeBytes } from "../support/mqtt-bytes.ts";
import { TestGateway, type TestPeer } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

const connackAccepted = Buffer.from("20020000", "hex");

/** Sends bytes to a gateway as the device d1, waits for the close, and gives the reason and what was answered. */
async function answerTo(
  bytes: Buffer | ((peer: TestPeer) => Buffer),
  over: Parameters<typeof TestGateway.start>[0] = {},
): Promise<{ reason: string; received: string }> {
  await using at = await TestGateway.start(over);
  const peer = await at.peer("d1");
  const raw = await at.dial(peer.tls);
  raw.send(typeof bytes === "function" ? bytes(peer) : bytes);
  await raw.untilClosed();
  await until("a reason", () => at.events.some((event) => "reason" in event));
  const refused = at.eventsOf("connection.refused")[0] ?? at.eventsOf("session.closed")[0];
  return { reason: refused?.reason ?? "none", received: raw.received.toString("hex") };
}

test("MQTT 5.0 §3.2.2.2: a CONNECT of version 5 is answered in version 5, 0x84, and closed", async () => {
  const bytes = connectBytes("d1", { protocolVersion: 5 });
  expect(await answerTo(bytes)).toEqual({ reason: "protocol_version", received: "2003008400" });
});

test("MQTT-3.1.2-2: a CONNECT of an unknown level is answered by return code 1", async () => {
  const bytes = connectBytes("d1");
  bytes[8] = 6;
  expect(await answerTo(bytes)).toEqual({ reason: "protocol_version", received: "20020001" });
});

test.each([
  [
    "MQTT-3.1.0-1: a first packet that is not CONNECT",
    publishBytes("devices/d1/up/a", "x"),
    "first_packet_not_connect",
    "",
  ],
  ["P-21: HTTP inside TLS", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "first_packet_not_connect", ""],
  [
    "MQTT 3.1.1 §2.2.3: a remaining length of five bytes",
    Buffer.from("10ffffffffff", "hex"),
    "packet_too_large",
    "",
  ],
  ["M-12: a CONNECT of 256 MB announced", Buffer.from("10ffffff7f", "hex"), "packet_too_large", ""],
  ["a CONNECT too short for its protocol name", Buffer.from("100200044d", "hex"), "malformed_packet", ""],
  [
    "another protocol's name",
    Buffer.from("101000044d515454".replace("4d515454", "58595a30") + "040200000000000000", "hex"),
    "malformed_packet",
    "",
  ],
  ["MQTT-3.1.2-3: the reserved connect flag", flagged(connectBytes("d1"), 0x01), "protocol_error", ""],
  ["MQTT-2.2.2-2: reserved flags of the fixed header", Buffer.from("1100", "hex"), "malformed_packet", ""],
  [
    "MQTT-3.1.0-2: CONNECT twice",
    Buffer.concat([connectBytes("d1"), connectBytes("d1")]),
    "protocol_error",
    "",
  ],
])("%s closes the connection", async (_title, bytes, reason, received) => {
  expect(await answerTo(bytes)).toEqual({ reason, received });
});

test("a packet larger than the limit is refused from its fixed header alone", async () => {
  const header = Buffer.from("30ffff7f", "hex");
  const { reason } = await answerTo(Buffer.concat([connectBytes("d1"), header]), {
    limits: { packetBytes: 1000 },
  });
  expect(reason).toBe("packet_too_large");
});

test("M-12: a slow CONNECT runs into the time-out", async () => {
  const { reason } = await answerTo(connectBytes("d1").subarray(0, 9), { limits: { connectTimeoutMs: 100 } });
  expect(reason).toBe("connect_timeout");
});

test("MQTT-3.1.2-24: a client that is silent for one and a half keep-alive periods is closed", async () => {
  const { reason } = await answerTo(connectBytes("d1", { keepalive: 1 }));
  expect(reason).toBe("keepalive_timeout");
});

test.each([
  ["M-01: another device's client id", { clientId: "d2" }, "client_id_mismatch", 2],
  ["M-01: a longer id that begins alike", { clientId: "d10" }, "client_id_mismatch", 2],
  ["an empty client id", { clientId: "" }, "client_id_empty", 2],
  ["M-05: NUL in the client id", { clientId: "d1/\u0000" }, "client_id_malformed", 2],
  ["M-05: a wildcard in the client id", { clientId: "d1/#" }, "client_id_malformed", 2],
  ["M-05: a client id of 60 kB", { clientId: `d1/${"x".repeat(60_000)}` }, "client_id_malformed", 2],
  ["a name that every object inherits", { clientId: "constructor" }, "client_id_malformed", 2],
  ["another such name", { clientId: "__proto__" }, "client_id_malformed", 2],
  ["M-03: another user name", { username: "d2" }, "username_mismatch", 4],
  [
    "M-06: a will to another's topic",
    { will: { topic: "devices/d2/up/x", payload: "x" } },
    "will_refused",
    5,
  ],
  ["M-06: a will with a wildcard", { will: { topic: "devices/d1/up/#", payload: "x" } }, "will_refused", 5],
  [
    "M-06: a will of 32 kB",
    { will: { topic: "devices/d1/up/x", payload: "x".repeat(32_000) } },
    "will_too_large",
    5,
  ],
])("%s is refused before it touches anything", async (_title, over, reason, returnCode) => {
  const { will, ...rest } = { will: undefined, ...over };
  const filled = will && { qos: 0 as const, retain: false, ...will, payload: Buffer.from(will.payload) };
  const packet = { username: "d1", ...rest, ...(filled === undefined ? {} : { will: filled }) };
  const bytes = connectBytes("clientId" in over ? over.clientId : "d1", packet);
  expect(await answerTo(bytes)).toEqual({ reason, received: `2002000${returnCode}` });
});

test("a keep-alive of 0, or longer than allowed, is refused where there is a limit", async () => {
  const limits = { maximumKeepaliveSeconds: 120 };
  for (const keepalive of [0, 121]) {
    expect((await answerTo(connectBytes("d1", { keepalive }), { limits })).reason).toBe("keepalive_refused");
  }
});

test("a retained will is refused where the policy allows no retained messages", async () => {
  const access = { device: { publish: ["devices/{id}/up/#"], retain: false } };
  const will = { topic: "devices/d1/up/x", payload: Buffer.from("x"), retain: true, qos: 0 } as const;
  expect((await answerTo(connectBytes("d1", { will }), { access })).reason).toBe("will_refused");
});

test("the device's id, and the id with a suffix, are client ids; its id is a user name", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("d1");
  await at.connect(peer, { username: "d1" });
  await at.connect(peer, { clientId: "d1/second" });
  expect(at.gateway.sessions().map((session) => session.clientId)).toEqual(["d1", "d1/second"]);
});

test("M-01: an attempt with another device's id leaves that device connected", async () => {
  await using at = await TestGateway.start();
  const [a, b] = [await at.peer("a"), await at.peer("b")];
  const client = await at.connect(a);
  await expect(at.connect(b, { clientId: "a" })).rejects.toThrow(/Identifier rejected/);
  await client.publishAsync("devices/a/up/x", "still here", { qos: 1 });
  expect(at.eventsOf("session.taken_over")).toEqual([]);
});

test("M-01: a refused attempt leaves the victim's QoS 2 state alone", async () => {
  await using at = await TestGateway.start();
  const [a, b] = [await at.peer("a"), await at.peer("b")];
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  let messages = 0;
  operator.on("message", () => messages++);
  await operator.subscribeAsync("devices/#", { qos: 2 });
  const raw = await at.dial(a.tls);
  raw.send(connectBytes("a", { clean: false }), publishBytes("devices/a/up/x", "once", 2, 7));
  await raw.untilReceived(8);
  await expect(at.connect(b, { clientId: "a", clean: true })).rejects.toThrow(/Identifier rejected/);
  // The same packet identifier again, as after a lost PUBREC: MQTT-4.3.3-2 has it delivered once.
  raw.send(publishBytes("devices/a/up/x", "once", 2, 7));
  await raw.untilReceived(12);
  expect(packetsIn(raw.received).map((packet) => packet.cmd)).toEqual(["connack", "pubrec", "pubrec"]);
  expect(messages).toBe(1);
});

test("M-02: the same device takes its own session over, and an event tells", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("d1");
  const first = await at.connect(peer);
  const closed = new Promise<void>((resolve) => first.once("close", () => resolve()));
  const second = await at.connect(peer);
  await closed;
  expect(at.eventsOf("session.taken_over")).toHaveLength(1);
  expect((await at.event("session.closed")).reason).toBe("taken_over");
  await second.publishAsync("devices/d1/up/x", "x", { qos: 1 });
  expect(at.gateway.sessions()).toHaveLength(1);
});

test("M-02: takeovers in quick succession leave exactly one session, and it works", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("d1");
  await Promise.allSettled(Array.from({ length: 12 }, () => at.connect(peer)));
  await until("one is left", () => at.gateway.sessions().length === 1);
  const last = await at.connect(peer);
  await last.publishAsync("devices/d1/up/x", "x", { qos: 1 });
  expect(at.gateway.sessions()).toHaveLength(1);
});

test("a device holds no more sessions than its limit", async () => {
  await using at = await TestGateway.start({ limits: { sessionsPerDevice: 2 } });
  const peer = await at.peer("d1");
  await at.connect(peer, { clientId: "d1/1" });
  await at.connect(peer, { clientId: "d1/2" });
  await expect(at.connect(peer, { clientId: "d1/3" })).rejects.toThrow(/Server unavailable/);
  expect(await at.refusal()).toBe("too_many_sessions");
  // A takeover is no further session.
  await at.connect(peer, { clientId: "d1/2" });
});

test("packets sent in one go with the CONNECT, before the CONNACK, are all taken", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got: string[] = [];
  operator.on("message", (_topic, payload) => got.push(String(payload)));
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const peer = await at.peer("d1");
  const raw = await at.dial(peer.tls);
  const many = Array.from({ length: 300 }, (_, n) => publishBytes("devices/d1/up/n", String(n)));
  raw.send(connectBytes("d1"), ...many, "e000");
  raw.socket.end();
  await until("all of them", () => got.length === 300);
  expect(got).toEqual(Array.from({ length: 300 }, (_, n) => String(n)));
  expect((await at.event("session.closed")).reason).toBe("client_disconnect");
});

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

test("MQTT-3.2.0-1: a resumed session gets its CONNACK before live messages", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const peer = await at.peer("d1");
  const first = await at.dial(peer.tls);
  first.send(connectBytes("d1", { clean: false }), subscribeBytes("devices/d1/down/#", 1));
  await first.untilReceived(9);
  first.socket.destroy();
  const going = new AbortController();
  const traffic = (async () => {
    for (let n = 0; !going.signal.aborted; n += 1)
      await operator.publishAsync("devices/d1/down/x", String(n), { qos: 1 });
  })();
  for (let round = 0; round < 20; round += 1) {
    const raw = await at.dial(peer.tls);
    raw.send(connectBytes("d1", { clean: false }));
    await raw.untilReceived(4);
    expect(raw.received.subarray(0, 4).toString("hex")).toBe("20020100");
    raw.socket.destroy();
  }
  going.abort();
  await traffic;
});

test("reading is slowed to the message rate, and nothing is lost", async () => {
  await using at = await TestGateway.start({ limits: { messagesPerSecond: 400 } });
  const raw = await at.dial((await at.peer("d1")).tls);
  raw.send(connectBytes("d1"));
  await raw.untilReceived(4);
  const messages = () => at.eventsOf("message").length;
  raw.send(...Array.from({ length: 600 }, () => publishBytes("devices/d1/up/n", "x")));
  await until("the burst", () => messages() === 600);
  // 400 of the 600 were in the bucket; the other 200 are half a second in advance.
  const began = performance.now();
  raw.send(publishBytes("devices/d1/up/n", "x"));
  await until("the one behind it", () => messages() === 601);
  expect(performance.now() - began).toBeGreaterThan(250);
});

test("the positive control of the raw client: a CONNECT is accepted", async () => {
  await using at = await TestGateway.start();
  const raw = await at.dial((await at.peer("d1")).tls);
  for (const byte of connectBytes("d1")) raw.send(Buffer.of(byte));
  expect(await raw.untilReceived(4)).toEqual(connackAccepted);
});

function flagged(connect: Buffer, flag: number): Buffer {
  connect[9] = (connect[9] ?? 0) | flag;
  return connect;
}
