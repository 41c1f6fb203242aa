import { expect, test } from "vitest";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test("a device and an operator talk through the gateway", async () => {
  await using at = await TestGateway.start();
  const device = await at.connect(await at.peer("pump-1"));
  const operator = await at.connect(await at.peer("alice", { kind: "operator" }));
  const got: string[] = [];
  operator.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  device.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  await operator.subscribeAsync("devices/+/up/#", { qos: 1 });
  await device.subscribeAsync("devices/pump-1/down/#", { qos: 1 });
  await device.publishAsync("devices/pump-1/up/t", "21", { qos: 0 });
  await device.publishAsync("devices/pump-1/up/t", "22", { qos: 1 });
  await device.publishAsync("devices/pump-1/up/t", "23", { qos: 2 });
  await operator.publishAsync("devices/pump-1/down/x", "on", { qos: 1 });
  await until("four messages", () => got.length === 4);
  expect(got.toSorted()).toEqual([
    "devices/pump-1/down/x on",
    "devices/pump-1/up/t 21",
    "devices/pump-1/up/t 22",
    "devices/pump-1/up/t 23",
  ]);
  await device.endAsync();
  const closed = await at.event("session.closed");
  expect(closed.reason).toBe("client_disconnect");
});
