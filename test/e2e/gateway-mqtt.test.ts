import { expect, test } from "vitest";
import { answerTo } from "../support/answer-to.ts";
import { connectBytes, publishBytes, subscribeBytes } from "../support/mqtt-bytes.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

const connackAccepted = Buffer.from("20020000", "hex");

test("MQTT 5.0 §3.2.2.2: a CONNECT of version 5 is answered in version 5, 0x84, and closed", async () => {
  const bytes = connectBytes("d1", { protocolVersion: 5 });
  expect(await answerTo(bytes)).toEqual({ reason: "protocol_version", received: "2003008400" });
});

test("MQTT-3.1.2-2: a CONNECT of an unknown level is answered by return code 1", async () => {
  const bytes = connectBytes("d1");
  bytes[8] = 6;
  expect(await answerTo(bytes)).toEqual({ reason: "protocol_version", received: "20020001" });
});

test("MQTT-3.1.2-24: a client that is silent for one and a half keep-alive periods is closed", async () => {
  const { reason } = await answerTo(connectBytes("d1", { keepalive: 1 }));
  expect(reason).toBe("keepalive_timeout");
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

test("MQTT-3.2.0-1: a resumed session gets its CONNACK before live messages", async () => {
  await using directory = tempDirectory();
  // Storing the will on disk lies between the subscriptions' coming back and the CONNACK.
  await using at = await TestGateway.start({ stateDirectory: directory.path });
  const will = { topic: "devices/d1/up/gone", payload: Buffer.from("x"), qos: 0, retain: false } as const;
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
    raw.send(connectBytes("d1", { clean: false, will }));
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
