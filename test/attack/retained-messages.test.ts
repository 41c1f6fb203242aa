import { expect, test } from "vitest";
import { mintPki } from "../support/minted-pki.ts";
import { bytesOf, connectBytes } from "../support/mqtt-bytes.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { TestGateway, TestRegistry } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test("M-08: what a revoked device retained and what waits for it is removed, though it is not connected", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const [spared, op] = [await at.peer("b"), await at.peer("op", { kind: "operator" })];
  const device = await at.connect(peer, { clean: false });
  await device.subscribeAsync("devices/a/down/#", { qos: 1 });
  await device.publishAsync("devices/a/up/config", "poison", { qos: 1, retain: true });
  await device.endAsync();
  const other = await at.connect(spared);
  await other.publishAsync("devices/b/up/config", "good", { qos: 1, retain: true });

  at.registry.revoke(peer.minted.certificate);
  expect(await at.event("device.purged")).toMatchObject({ deviceId: "a", reason: "certificate_revoked" });

  const operator = await at.connect(op);
  const got: string[] = [];
  operator.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  await operator.subscribeAsync("devices/#");
  await until("the good one", () => got.length > 0);
  expect(got).toEqual(["devices/b/up/config good"]);
});

test("M-07, M-08: what was revoked while no gateway ran is gone when one starts: session, retained message and will", async () => {
  await using directory = tempDirectory();
  const pki = await mintPki();
  const memory = new TestRegistry();
  const first = await TestGateway.start({ pki, memory, stateDirectory: directory.path });
  const peer = await first.peer("a");
  const op = await first.peer("op", { kind: "operator" });
  const device = await first.connect(peer, { clean: false });
  await device.publishAsync("devices/a/up/config", "poison", { qos: 1, retain: true });
  await first[Symbol.asyncDispose]();

  memory.revoke(peer.minted.certificate);
  await using second = await TestGateway.start({ pki, memory, stateDirectory: directory.path });
  const operator = await second.connect({ ...op, tls: { ...op.tls, port: second.gateway.mqttPort } });
  const got: string[] = [];
  operator.on("message", (topic) => got.push(topic));
  await operator.subscribeAsync("devices/#", { qos: 1 });
  await operator.publishAsync("devices/a/down/x", "end", { qos: 1 });
  await until("the end", () => got.length > 0);
  expect(got).toEqual(["devices/a/down/x"]);
});

test("M-08: a retained message to another device's commands is refused, and nobody finds it later", async () => {
  await using at = await TestGateway.start();
  const victim = await at.peer("v");
  const attacker = await at.peer("a");
  for (const topic of ["devices/v/down/config", "devices/v/up/config", "devices/a/down/config"]) {
    at.events.length = 0;
    const raw = await at.dial(attacker.tls);
    raw.send(
      connectBytes("a"),
      bytesOf({ cmd: "publish", topic, payload: "poison", qos: 0, retain: true, dup: false }),
    );
    await raw.untilClosed();
    expect(await at.event("publish.refused")).toMatchObject({ reason: "topic_denied", deviceId: "a", topic });
  }
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  await operator.publishAsync("devices/v/down/config", "good", { qos: 1, retain: true });
  const device = await at.connect(victim);
  const got: string[] = [];
  device.on("message", (topic, payload) => got.push(`${topic} ${payload.toString()}`));
  await device.subscribeAsync("devices/v/down/#");
  await until("the good one", () => got.length > 0);
  expect(got).toEqual(["devices/v/down/config good"]);
});
