import { expect, test } from "vitest";
import { inbox } from "../support/inbox.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test("a policy may let operators read $SYS, and nobody else", async () => {
  await using at = await TestGateway.start({ access: { operator: { subscribe: ["$SYS/#"] } } });
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("$SYS/+/new/clients");
  await at.connect(await at.peer("a"));
  await until("news of a client", () => got.length > 0);
  expect(got[0]).toMatch(/\/new\/clients a$/);
});

test("retained messages are delivered to those who may have them, and not to others", async () => {
  await using at = await TestGateway.start();
  const device = await at.connect(await at.peer("a"));
  await device.publishAsync("devices/a/up/state", "on", { qos: 1, retain: true });
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#");
  await until("the retained one", () => got.length === 1);
  expect(got).toEqual(["devices/a/up/state on"]);
});

test("a retained message is refused where the policy allows none", async () => {
  await using at = await TestGateway.start({
    access: { device: { publish: ["devices/{id}/up/#"], retain: false } },
  });
  const device = await at.connect(await at.peer("a"));
  device.publish("devices/a/up/state", "on", { qos: 1, retain: true });
  expect((await at.event("publish.refused")).reason).toBe("retain_denied");
});

test("the will fires when a connection is lost, not after DISCONNECT", async () => {
  await using at = await TestGateway.start();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got = inbox(operator);
  await operator.subscribeAsync("devices/#", { qos: 1 });
  const peer = await at.peer("a");
  const will = { topic: "devices/a/up/gone", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const polite = await at.connect(peer, { will });
  await polite.endAsync();
  await at.event("session.closed", (event) => event.reason === "client_disconnect");
  const lost = await at.connect(peer, { will });
  lost.stream.destroy();
  await until("the will", () => got.length > 0);
  expect(got).toEqual(["devices/a/up/gone gone"]);
});
