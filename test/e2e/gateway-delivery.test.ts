import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { startGateway } from "../../gateway/index.ts";
import { Inventory } from "../../pki/inventory/index.ts";
import { connectBytes, packetsIn, subscribeBytes } from "../support/mqtt-bytes.ts";
import { newCertificate } from "../support/new-certificate.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { gatewayOptions, TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test("a subscriber that does not read is cut off, with its reason, and nobody waits for it", async () => {
  await using at = await TestGateway.start({
    limits: { queuedBytes: 1_000_000, subscriptionsPerSession: 5 },
  });
  const frozen = await at.dial((await at.peer("frozen")).tls);
  frozen.send(connectBytes("frozen"), subscribeBytes("devices/frozen/down/#", 0));
  await frozen.untilReceived(9);
  frozen.socket.pause();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const other = await at.connect(await at.peer("other"));
  let heard = 0;
  other.on("message", () => heard++);
  await other.subscribeAsync("devices/other/down/#");
  const payload = Buffer.alloc(50_000);
  for (let n = 0; n < 400 && at.eventsOf("session.closed").length === 0; n += 1) {
    await operator.publishAsync("devices/frozen/down/x", payload, { qos: 1 });
    await operator.publishAsync("devices/other/down/x", "x", { qos: 1 });
  }
  expect(await at.event("session.closed")).toMatchObject({
    reason: "slow_consumer",
    session: { deviceId: "frozen" },
  });
  await until("the other got all of its own", () => heard > 10);
});

test("a long queue and many retained messages reach a client that reads, though they are larger than the limit", async () => {
  await using at = await TestGateway.start({ limits: { queuedBytes: 600_000 } });
  const peer = await at.peer("a");
  const first = await at.connect(peer, { clean: false });
  await first.subscribeAsync("devices/a/down/#", { qos: 1 });
  await first.endAsync();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const payload = Buffer.alloc(20_000);
  for (let n = 0; n < 100; n += 1) await operator.publishAsync(`devices/a/down/${n}`, payload, { qos: 1 });
  let queued = 0;
  const back = at.connect(peer, { clean: false });
  await back.then((client) => client.on("message", () => queued++));
  await until("the queue", () => queued >= 99, 20_000);

  for (let n = 0; n < 100; n += 1) {
    await operator.publishAsync(`devices/b/down/${n}`, payload, { qos: 1, retain: true });
  }
  const reader = await at.connect(await at.peer("op2", { kind: "operator" }));
  let retained = 0;
  reader.on("message", () => retained++);
  await reader.subscribeAsync("devices/b/#", { qos: 0 });
  await until("the retained ones", () => retained === 100, 20_000);
  expect(at.eventsOf("session.closed").map((event) => event.reason)).toEqual(["client_disconnect"]);
});

test("a frozen client with a long queue is not fed beyond what it reads", async () => {
  await using at = await TestGateway.start({ limits: { queuedBytes: 600_000 } });
  const peer = await at.peer("a");
  const first = await at.connect(peer, { clean: false });
  await first.subscribeAsync("devices/a/down/#", { qos: 1 });
  await first.endAsync();
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const payload = Buffer.alloc(50_000);
  for (let n = 0; n < 240; n += 1) await operator.publishAsync("devices/a/down/x", payload, { qos: 1 });
  const raw = await at.dial(peer.tls);
  raw.send(connectBytes("a", { clean: false }));
  await raw.untilReceived(4);
  raw.socket.pause();
  // The broker is at the client's disposal all the same: others are served meanwhile.
  const other = await at.connect(await at.peer("b"));
  await other.publishAsync("devices/b/up/x", "x", { qos: 1 });
  raw.socket.resume();
  await until("all of them", () => raw.receivedBytes >= 240 * payload.length, 20_000);
  await until("the last byte of them", () => packetsIn(raw.received).length === 241);
  expect(at.eventsOf("session.closed").map((event) => event.reason)).toEqual(["client_disconnect"]);
});

test("a revocation made by another process in the inventory closes the session within a second", async () => {
  await using directory = tempDirectory();
  await using at = await TestGateway.start();
  const { certificate } = at.pki.device;
  using inventory = Inventory.open(directory.path, { create: true });
  inventory.addDevice({ id: "d1", kind: "device" });
  const { der, fingerprint, serialNumber, notBefore, notAfter } = certificate;
  const identityId = "d1";
  inventory.recordCertificates([
    newCertificate({ der: Buffer.from(der), fingerprint, serialNumber, notBefore, notAfter, identityId }),
  ]);
  using readOnly = Inventory.open(directory.path, { readOnly: true });
  const gateway = await startGateway(gatewayOptions(at.pki, readOnly));
  const reasons: string[] = [];
  gateway.on("event", (event) => {
    if (event.type === "session.closed") reasons.push(event.reason);
  });
  try {
    const tls = { ...at.tlsOf(at.pki.device), port: gateway.mqttPort };
    const client = await at.connect({ id: "d1", minted: at.pki.device, tls });
    expect(client.connected).toBe(true);
    const script = `import { Inventory } from ${JSON.stringify(new URL("../../pki/inventory/index.ts", import.meta.url).href)};
      const inventory = Inventory.open(${JSON.stringify(directory.path)});
      inventory.revoke(${JSON.stringify(fingerprint)}, { reason: "keyCompromise", at: new Date() });
      console.log(Date.now());
      inventory.close();`;
    const other = spawn(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      script,
    ]);
    let revokedAt = 0;
    other.stdout.on("data", (text: Buffer) => {
      revokedAt = Number(text.toString());
    });
    await until("the session is closed", () => reasons.length > 0);
    await until("the other process tells", () => revokedAt > 0);
    expect(reasons).toEqual(["certificate_revoked"]);
    expect(Date.now() - revokedAt).toBeLessThan(1000);
  } finally {
    await gateway.close();
  }
});
