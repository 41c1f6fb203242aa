import { expect, test } from "vitest";
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
