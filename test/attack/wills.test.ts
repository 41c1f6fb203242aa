import { expect, test } from "vitest";
import { inbox } from "../support/inbox.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

const will = { topic: "devices/a/up/gone", payload: Buffer.from("gone"), qos: 1, retain: true } as const;

test("G-CERT-18, M-07: revocation closes the live session within a second and its will does not fire", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got: string[] = [];
  operator.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const peer = await at.peer("a");
  await at.connect(peer, { will });
  const spared = await at.connect(await at.peer("b"));

  const began = performance.now();
  at.registry.revoke(peer.minted.certificate);
  const closed = await at.event("session.closed");
  expect(performance.now() - began).toBeLessThan(1000);
  expect(closed).toMatchObject({ reason: "certificate_revoked", session: { deviceId: "a" } });

  await spared.publishAsync("devices/b/up/x", "end", { qos: 1 });
  await until("the end", () => got.length > 0);
  expect(got).toEqual(["devices/b/up/x end"]);
});

test("M-07: a session ends when its certificate does, without its will", async () => {
  let now = new Date();
  await using at = await TestGateway.start({ now: () => now });
  const peer = await at.peer("a");
  await at.connect(peer, { will });
  now = new Date(peer.minted.certificate.notAfter.getTime() + 1000);
  expect((await at.event("session.closed")).reason).toBe("certificate_expired");
  expect(await at.event("publish.refused")).toMatchObject({ will: true, reason: "will_refused" });
});

test("M-07: the will of a connection that broke after its revocation, before anybody noticed, does not fire", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const peer = await at.peer("a");
  const other = await at.connect(await at.peer("b"));
  const device = await at.connect(peer, { will });
  // Both in one turn: the watch looks every 250 ms.
  at.registry.revoke(peer.minted.certificate);
  device.stream.destroy();
  expect(await at.event("publish.refused")).toMatchObject({ will: true, reason: "will_refused" });
  await other.publishAsync("devices/b/up/x", "end", { qos: 1 });
  await until("the end", () => got.length > 0);
  expect(got).toEqual(["devices/b/up/x end"]);
});

test("M-07: a will whose rights were withdrawn after the CONNECT does not fire", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const will = { topic: "devices/a/up/gone", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const device = await at.connect(await at.peer("a"), { will });
  at.gateway.reload({ access: { device: {} } });
  await at.event("reloaded");
  device.stream.destroy();
  expect(await at.event("publish.refused")).toMatchObject({ will: true, reason: "topic_denied" });
  expect(got).toEqual([]);
});

test("M-07: the will of a device that was retired does not fire", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  await at.connect(await at.peer("a"), { will });
  at.registry.put("a", { status: "retired" });
  expect(await at.event("session.closed")).toMatchObject({ reason: "device_inactive" });
  expect(await at.event("publish.refused")).toMatchObject({ will: true, reason: "will_refused" });
  const other = await at.connect(await at.peer("b"));
  await other.publishAsync("devices/b/up/x", "end", { qos: 1 });
  await until("the end", () => got.length > 0);
  expect(got).toEqual(["devices/b/up/x end"]);
});

test("M-06: a will that is refused at CONNECT does not fire when its connection breaks", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const peer = await at.peer("a");
  const poison = { ...will, topic: "devices/v/up/gone" };
  await expect(at.connect(peer, { will: poison })).rejects.toThrow(/Not authorized/);
  expect(await at.refusal()).toBe("will_refused");
  // The valid twin: its own topic.
  const good = await at.connect(peer, { will });
  good.stream.destroy();
  await until("the good will", () => got.length > 0);
  expect(got).toEqual(["devices/a/up/gone gone"]);
});
