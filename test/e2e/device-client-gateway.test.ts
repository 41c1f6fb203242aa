/** The device client against our own gateway: one user story each. */
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  DeviceError,
  type DeviceIdentity,
  type DeviceSession,
  identityFromSigner,
  loadIdentity,
  replaceIdentityFiles,
} from "../../device-client/index.ts";
import { spkiPin, writePrivateKeyFile } from "../../pki/index.ts";
import type { Minted } from "../support/minted-pki.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

let gateway: TestGateway;
let cleanUp: AsyncDisposableStack;

beforeEach(async () => {
  cleanUp = new AsyncDisposableStack();
  gateway = cleanUp.use(await TestGateway.start());
});

afterEach(() => cleanUp.disposeAsync());

test("two devices, pinned to the gateway's key: a message up, and one back down", async () => {
  const operator = await gateway.peer("ops", { kind: "operator" });
  const device = await gateway.peer("d1");
  const above = await connected(operator.minted);
  const below = await connected(device.minted);
  const heard: string[] = [];
  above.on("message", ({ topic, payload }) => {
    heard.push(`${topic} ${Buffer.from(payload).toString()}`);
    if (topic.includes("/up/")) void above.publish("devices/d1/down/answer", "ok", { qos: 1 });
  });
  below.on("message", ({ topic }) => heard.push(topic));
  await above.subscribe("devices/#", { qos: 1 });
  await below.subscribe("devices/d1/down/#", { qos: 1 });
  await below.publish("devices/d1/up/temperature", "21.5", { qos: 1 });
  await until("the answer", () => heard.includes("devices/d1/down/answer"));
  expect(heard[0]).toBe("devices/d1/up/temperature 21.5");
});

test("a subscription outside the device's topics is refused by name", async () => {
  const session = await connected((await gateway.peer("d1")).minted);
  await expect(session.subscribe("devices/d2/down/#")).rejects.toMatchObject({
    code: "DEVICE_SUBSCRIBE_REFUSED",
  });
});

test("a client id that is not the device's is refused with CONNACK 2", async () => {
  const { minted } = await gateway.peer("d1");
  const error = await failure(connect({ ...options(minted), clientId: "d2" }));
  expect(error.code).toBe("DEVICE_REFUSED");
  expect(await gateway.refusal()).toBe("client_id_mismatch");
});

test("a device without an inventory row is refused, and told so", async () => {
  const { minted } = await gateway.stranger("d1");
  expect((await failure(connect(options(minted)))).code).toBe("DEVICE_REFUSED");
  expect(await gateway.refusal()).toBe("certificate_unknown");
});

test("renewal on disk and on the wire: new key, same session, no message lost, the old certificate revoked", async () => {
  const first = await gateway.peer("d1");
  const second = await gateway.peer("d1");
  const folder = mkdtempSync(join(tmpdir(), "device-renewal-"));
  cleanUp.defer(() => rmSync(folder, { recursive: true }));
  const files = {
    key: join(folder, "key.pem"),
    certificate: join(folder, "cert.pem"),
    ca: join(folder, "ca.pem"),
  };
  writePrivateKeyFile(files.key, createPrivateKey(first.minted.signer.exportForTls()));
  writeFileSync(files.certificate, first.minted.pem + gateway.pki.issuing.pem);
  writeFileSync(files.ca, gateway.pki.root.pem);

  const session = await connected(first.minted, { identity: loadIdentity(files) });
  const got = new Set<string>();
  session.on("message", ({ payload }) => got.add(Buffer.from(payload).toString()));
  await session.subscribe("devices/d1/down/#", { qos: 1 });
  const operator = await connected((await gateway.peer("ops", { kind: "operator" })).minted);

  const sent: Array<Promise<void>> = [];
  for (let i = 0; i < 40; i++) {
    sent.push(
      operator.publish("devices/d1/down/n", `${i}`, { qos: 1 }),
      session.publish("devices/d1/up/n", `${i}`, { qos: 1 }),
    );
  }
  replaceIdentityFiles(files, identityOf(second.minted));
  await session.replaceIdentity(loadIdentity(files));
  gateway.registry.revoke(first.minted.certificate);
  await Promise.all(sent);
  await until("every message down", () => got.size === 40);
  await session.publish("devices/d1/up/n", "under the new certificate", { qos: 1 });
  expect(loadIdentity(files).certificate.fingerprint).toBe(second.minted.certificate.fingerprint);
  expect(session.state).toBe("connected");
});

test("QoS 2 is exactly once in both directions, however often the identity changes in mid-flow", async () => {
  const peers = [await gateway.peer("d1"), await gateway.peer("d1")];
  const session = await connected((await gateway.peer("d1")).minted);
  const operator = await connected((await gateway.peer("ops", { kind: "operator" })).minted);
  const up: string[] = [];
  const down: string[] = [];
  operator.on("message", ({ payload }) => up.push(Buffer.from(payload).toString()));
  session.on("message", ({ payload }) => down.push(Buffer.from(payload).toString()));
  await operator.subscribe("devices/d1/up/#", { qos: 2 });
  await session.subscribe("devices/d1/down/#", { qos: 2 });
  const sent: Array<Promise<void>> = [];
  for (let i = 0; i < 120; i++) {
    sent.push(session.publish("devices/d1/up/n", `${i}`, { qos: 2 }));
    sent.push(operator.publish("devices/d1/down/n", `${i}`, { qos: 2 }));
    const next = peers[Math.floor(i / 40) % 2];
    if (i % 40 === 20 && next) await session.replaceIdentity(identityOf(next.minted));
  }
  await Promise.all(sent);
  await until("all of it", () => up.length >= 120 && down.length >= 120);
  const all = Array.from({ length: 120 }, (_, i) => `${i}`).toSorted();
  expect([up.toSorted(), down.toSorted()]).toEqual([all, all]);
});

test("a renewed certificate that the gateway does not know yet: the session goes on under the old one", async () => {
  const session = await connected((await gateway.peer("d1")).minted);
  const early = await gateway.stranger("d1");
  expect((await failure(session.replaceIdentity(identityOf(early.minted)))).code).toBe("DEVICE_REFUSED");
  await session.publish("devices/d1/up/still", "here", { qos: 1 });
  gateway.registry.know(early.minted.certificate, "d1");
  await session.replaceIdentity(identityOf(early.minted));
  expect(session.identity.certificate.fingerprint).toBe(early.minted.certificate.fingerprint);
});

test("a revoked device is cut off, hears why it does not come back, and goes on asking", async () => {
  const { minted } = await gateway.peer("d1");
  const session = await connected(minted);
  const refused: string[] = [];
  session.on("refused", ({ error }) => refused.push(error.code));
  gateway.registry.revoke(minted.certificate);
  await until("two refusals", () => refused.length >= 2);
  expect(new Set(refused)).toEqual(new Set(["DEVICE_REFUSED"]));
  expect(session.state).not.toBe("connected");
});

function identityOf(minted: Minted): DeviceIdentity {
  const { issuing, root } = gateway.pki;
  return identityFromSigner(minted.signer, { certificate: minted.pem + issuing.pem, ca: root.pem });
}

function options(minted: Minted): ConnectOptions {
  return {
    identity: identityOf(minted),
    gateway: { host: "127.0.0.1", port: gateway.gateway.mqttPort, serverName: "gateway.test" },
    pins: [spkiPin(gateway.pki.gateway.certificate)],
    reconnect: { minMs: 5, maxMs: 50 },
  };
}

async function connected(minted: Minted, over: Partial<ConnectOptions> = {}): Promise<DeviceSession> {
  return cleanUp.use(await connect({ ...options(minted), ...over }));
}

async function failure(promise: Promise<unknown>): Promise<DeviceError> {
  const outcome = await promise.then(
    () => new Error("no failure"),
    (error: unknown) => error,
  );
  if (outcome instanceof DeviceError) return outcome;
  throw outcome;
}
