import { expect, test } from "vitest";
import { answerTo } from "../support/answer-to.ts";
import { connectBytes, packetsIn, publishBytes } from "../support/mqtt-bytes.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test.each([
  ["M-01: another device's client id", { clientId: "d2" }, "client_id_mismatch", 2],
  ["M-01: a longer id that begins alike", { clientId: "d10" }, "client_id_mismatch", 2],
  ["M-05: a percent-encoded slash in the client id", { clientId: "d1%2fx" }, "client_id_malformed", 2],
  ["M-05: a client id that goes up a level", { clientId: "../d2" }, "client_id_malformed", 2],
  [
    "M-03: another user name and its password",
    { username: "d2", password: Buffer.from("x") },
    "username_mismatch",
    4,
  ],
  [
    "M-06: a retained will to another's topic",
    { will: { topic: "devices/d2/down/x", payload: "x", retain: true } },
    "will_refused",
    5,
  ],
  ["M-06: a will to $SYS", { will: { topic: "$SYS/x", payload: "x" } }, "will_refused", 5],
  [
    "M-06: a will to the device's own commands",
    { will: { topic: "devices/d1/down/x", payload: "x" } },
    "will_refused",
    5,
  ],
  ["M-01: an empty client id", { clientId: "" }, "client_id_empty", 2],
  ["M-05: NUL in the client id", { clientId: "d1/\u0000" }, "client_id_malformed", 2],
  ["M-05: a wildcard in the client id", { clientId: "d1/#" }, "client_id_malformed", 2],
  ["M-05: a client id of 60 kB", { clientId: `d1/${"x".repeat(60_000)}` }, "client_id_malformed", 2],
  ["M-05: a name that every object inherits", { clientId: "constructor" }, "client_id_malformed", 2],
  ["M-05: another such name", { clientId: "__proto__" }, "client_id_malformed", 2],
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

test("M-02: a device holds no more sessions than its limit", async () => {
  await using at = await TestGateway.start({ limits: { sessionsPerDevice: 2 } });
  const peer = await at.peer("d1");
  await at.connect(peer, { clientId: "d1/1" });
  await at.connect(peer, { clientId: "d1/2" });
  await expect(at.connect(peer, { clientId: "d1/3" })).rejects.toThrow(/Server unavailable/);
  expect(await at.refusal()).toBe("too_many_sessions");
  // A takeover is no further session.
  await at.connect(peer, { clientId: "d1/2" });
});

test("M-06: a will of 256 kB is refused by its length, before it is read", async () => {
  // A remaining length of 262,144, and the beginning of what it announces.
  const announced = Buffer.concat([Buffer.from("10808010", "hex"), connectBytes("d1").subarray(2)]);
  expect(await answerTo(announced)).toEqual({ reason: "packet_too_large", received: "" });
});

test("M-05: a client id with dot segments behind the device's own id gains nothing", async () => {
  await using at = await TestGateway.start();
  const victim = await at.connect(await at.peer("d2"));
  const client = await at.connect(await at.peer("d1"), { clientId: "d1/../d2" });
  expect(at.gateway.sessions().map(({ deviceId, clientId }) => [deviceId, clientId])).toContainEqual([
    "d1",
    "d1/../d2",
  ]);
  client.publish("devices/d2/up/x", "x", { qos: 1 });
  expect(await at.event("publish.refused")).toMatchObject({ deviceId: "d1", reason: "topic_denied" });
  expect(victim.connected).toBe(true);
});

test("M-09: what waits for a device cannot be taken by another that asks for its session", async () => {
  await using at = await TestGateway.start();
  const [a, b] = [await at.peer("a"), await at.peer("b")];
  const victim = await at.connect(a, { clean: false });
  await victim.subscribeAsync("devices/a/down/#", { qos: 1 });
  await victim.endAsync();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  await operator.publishAsync("devices/a/down/x", "for a", { qos: 1 });
  for (const clientId of ["a", "a/"]) {
    for (const clean of [false, true]) {
      at.events.length = 0;
      const thief = await at.dial(b.tls);
      thief.send(connectBytes(clientId, { clean }));
      await thief.untilClosed();
      expect(thief.received.toString("hex")).toBe("20020002");
      expect(await at.event("connection.refused")).toMatchObject({
        reason: "client_id_mismatch",
        deviceId: "b",
        clientId,
      });
    }
  }
  const back = await at.dial(a.tls);
  back.send(connectBytes("a", { clean: false }));
  await until("what waited", () => packetsIn(back.received).length === 2);
  const [connack, publish] = packetsIn(back.received);
  expect(connack).toMatchObject({ cmd: "connack", sessionPresent: true });
  expect(publish).toMatchObject({ cmd: "publish", topic: "devices/a/down/x" });
});
