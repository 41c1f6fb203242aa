import { expect, test } from "vitest";
import { inbox } from "../support/inbox.ts";
import { mintPki } from "../support/minted-pki.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { TestGateway, TestRegistry } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test.each([
  ["M-04: another device's topic", "devices/b/up/x", "topic_denied"],
  ["M-04: its own down topic", "devices/a/down/x", "topic_denied"],
  ["M-04: $SYS", "$SYS/broker/load", "topic_denied"],
  ["M-05: a control character", "devices/a/up/\u0007", "topic_malformed"],
  ["M-05: too deep", `devices/a/up${"/x".repeat(40)}`, "topic_malformed"],
  ["M-05: too long", `devices/a/up/${"x".repeat(2000)}`, "topic_malformed"],
])("%s: PUBLISH closes the connection", async (_title, topic, reason) => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  for (const qos of [0, 1, 2] as const) {
    at.events.length = 0;
    const client = await at.connect(await at.peer("a"));
    client.publish(topic, "x", { qos });
    expect((await at.event("session.closed")).reason).toBe("publish_refused");
    expect(await at.event("publish.refused")).toMatchObject({ reason, deviceId: "a", will: false });
  }
  await operator.publishAsync("devices/a/down/x", "end", { qos: 1 });
  await until("the end", () => got.length > 0);
  expect(got).toEqual(["devices/a/down/x end"]);
});

test.each([
  ["M-04: another device's topic", "devices/b/down/x", "filter_denied"],
  ["M-04: everything", "#", "filter_denied"],
  ["M-04: one level more than its own", "devices/+/down/#", "filter_denied"],
  ["M-04: +/+/cmd", "+/+/cmd", "filter_denied"],
  ["M-04: $SYS", "$SYS/#", "filter_denied"],
  ["M-04: a shared subscription", "$share/x/#", "shared_subscription"],
  ["M-04: a shared subscription to its own topic", "$share/x/devices/a/down/#", "shared_subscription"],
  ["M-05: a filter too deep", `devices/a/down${"/x".repeat(40)}`, "filter_malformed"],
])("%s: SUBSCRIBE is answered by 0x80", async (_title, filter, reason) => {
  await using at = await TestGateway.start();
  const client = await at.connect(await at.peer("a"));
  const granted = await client
    .subscribeAsync([filter, "devices/a/down/#"], { qos: 1 })
    .catch((error: unknown) => error);
  expect(JSON.stringify(granted)).toMatch(/128|code/);
  expect(await at.event("subscribe.refused")).toMatchObject({ reason, filter });
  // The good one of the same packet is granted.
  const got = inbox(client);
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  await operator.publishAsync("devices/b/down/x", "not for a", { qos: 1 });
  await operator.publishAsync("devices/a/down/x", "for a", { qos: 1 });
  await until("its own", () => got.length > 0);
  expect(got).toEqual(["devices/a/down/x for a"]);
});

test("M-04: a filter that was refused queues nothing for later, not even across a restart", async () => {
  await using directory = tempDirectory();
  const pki = await mintPki();
  const memory = new TestRegistry();
  const first = await TestGateway.start({ pki, memory, stateDirectory: directory.path });
  const a = await first.peer("a");
  const op = await first.peer("op", { kind: "operator" });
  const client = await first.connect(a, { clean: false });
  await client.subscribeAsync(["devices/b/down/#", "devices/a/down/#"], { qos: 1 }).catch(() => undefined);
  await client.endAsync();
  const operator = await first.connect(op);
  await operator.publishAsync("devices/b/down/x", "not for a", { qos: 1 });
  await operator.publishAsync("devices/a/down/x", "for a", { qos: 1 });
  await first[Symbol.asyncDispose]();

  await using second = await TestGateway.start({ pki, memory, stateDirectory: directory.path });
  const port = second.gateway.mqttPort;
  const again = second.connect({ ...a, tls: { ...a.tls, port } }, { clean: false });
  const got: string[] = [];
  void again.then((session) =>
    session.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`)),
  );
  const back = await again;
  const later = await second.connect({ ...op, tls: { ...op.tls, port } });
  await later.publishAsync("devices/b/down/x", "not for a", { qos: 1 });
  await later.publishAsync("devices/a/down/x", "for a again", { qos: 1 });
  await until("the live one", () => got.includes("devices/a/down/x for a again"));
  expect(got.filter((one) => one.includes("not for a"))).toEqual([]);
  expect(back.connected).toBe(true);
});

test("M-04: a session holds no more subscriptions than its limit, however they are sent", async () => {
  await using at = await TestGateway.start({ limits: { subscriptionsPerSession: 3 } });
  const client = await at.connect(await at.peer("a"), { clean: false });
  const filters = ["1", "2", "3", "4", "5"].map((n) => `devices/a/down/${n}`);
  await client.subscribeAsync(filters, { qos: 1 }).catch(() => undefined);
  await until("two refusals", () => at.eventsOf("subscribe.refused").length === 2);
  expect(at.eventsOf("subscribe.refused").map((event) => event.reason)).toEqual(
    Array.from({ length: 2 }, () => "too_many_subscriptions"),
  );
  await client.unsubscribeAsync("devices/a/down/1");
  await client.subscribeAsync("devices/a/down/6", { qos: 1 });
});

test("M-10: a subscription kept after its rights are withdrawn delivers nothing", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const device = await at.connect(await at.peer("a"));
  await device.publishAsync("devices/a/up/x", "1", { qos: 1 });
  await until("the first", () => got.length === 1);
  at.gateway.reload({ access: { operator: { subscribe: ["devices/a/up/y"] } } });
  await at.event("reloaded");
  await device.publishAsync("devices/a/up/x", "2", { qos: 1 });
  await device.publishAsync("devices/a/up/y", "3", { qos: 1 });
  await until("the third", () => got.length === 2);
  expect(got).toEqual(["devices/a/up/x 1", "devices/a/up/y 3"]);
});

test("M-10: a change of group takes effect on the live session", async () => {
  await using at = await TestGateway.start({
    access: { groups: { line1: { subscribe: ["lines/{group}/#"], publish: ["lines/{group}/#"] } } },
  });
  const peer = await at.peer("a", { group: "line1" });
  const client = await at.connect(peer);
  const got = inbox(client);
  await client.subscribeAsync("lines/line1/#", { qos: 1 });
  await client.publishAsync("lines/line1/x", "1", { qos: 1 });
  await until("the first", () => got.length === 1);
  at.registry.put("a", { group: "line2" });
  await until("the new group", () => at.gateway.sessions()[0]?.group === "line2");
  client.publish("lines/line1/x", "2", { qos: 1 });
  expect((await at.event("session.closed")).reason).toBe("publish_refused");
  expect(got).toEqual(["lines/line1/x 1"]);
});
