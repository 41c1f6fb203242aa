import { expect, test } from "vitest";
import { mintPki } from "../support/minted-pki.ts";
import { connectBytes } from "../support/mqtt-bytes.ts";
import { tempDirectory } from "../support/temp-directory.ts";
import { TestGateway, TestRegistry } from "../support/test-gateway.ts";
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

test.each([
  ["removed", "device_unknown", (at: TestGateway) => at.registry.remove("a")],
  ["retired", "device_inactive", (at: TestGateway) => at.registry.put("a", { status: "retired" })],
])("a device that is %s loses its session", async (_title, reason, change) => {
  await using at = await TestGateway.start();
  await at.connect(await at.peer("a"));
  change(at);
  expect((await at.event("session.closed")).reason).toBe(reason);
});

test("a connection that has not said CONNECT yet is closed by revocation as well", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial(peer.tls);
  at.registry.revoke(peer.minted.certificate);
  await raw.untilClosed();
  expect(await at.refusal()).toBe("certificate_revoked");
});

test("between handshake and CONNECT the certificate is judged again", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial(peer.tls);
  at.registry.revoke(peer.minted.certificate);
  raw.send(connectBytes("a"));
  await raw.untilClosed();
  expect(raw.received.length).toBe(0);
  expect(await at.refusal()).toBe("certificate_revoked");
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "P-10: a %s ticket from before the revocation does not get in",
  async (version) => {
    await using at = await TestGateway.start();
    const peer = await at.peer("a");
    const options = { ...peer.tls, maxVersion: version };
    const first = await at.dial(options);
    first.send(connectBytes("a"));
    await until("a ticket", () => first.session !== undefined && first.received.length > 0);
    first.socket.end();
    await first.untilClosed();

    // The positive control: before the revocation the same ticket resumes and gets in.
    const resumed = await at.dial({ ...options, session: first.session });
    resumed.send(connectBytes("a"));
    await resumed.untilReceived(4);
    expect(resumed.resumed).toBe(true);
    expect(at.eventsOf("session.opened").map((event) => event.session.resumed)).toEqual([false, true]);
    resumed.socket.end();
    await resumed.untilClosed();

    at.registry.revoke(peer.minted.certificate);
    at.events.length = 0;
    const late = await at.dial({ ...options, session: first.session });
    await late.untilClosed();
    expect(late.resumed).toBe(true);
    expect(late.received.length).toBe(0);
    expect(await at.refusal()).toBe("certificate_revoked");
  },
);

test("P-10: a ticket of a certificate that has expired since does not get in", async () => {
  let now = new Date();
  await using at = await TestGateway.start({ now: () => now });
  const peer = await at.peer("a");
  const first = await at.dial(peer.tls);
  first.send(connectBytes("a"));
  await until("a ticket", () => first.session !== undefined && first.received.length > 0);
  first.socket.destroy();
  now = new Date(peer.minted.certificate.notAfter.getTime() + 1000);
  at.events.length = 0;
  const late = await at.dial({ ...peer.tls, session: first.session });
  await late.untilClosed();
  expect((await at.event("connection.refused")).reason).toBe("certificate_expired");
});

test("a session ends when its certificate does, without its will", async () => {
  let now = new Date();
  await using at = await TestGateway.start({ now: () => now });
  const peer = await at.peer("a");
  await at.connect(peer, { will });
  now = new Date(peer.minted.certificate.notAfter.getTime() + 1000);
  expect((await at.event("session.closed")).reason).toBe("certificate_expired");
  expect(await at.event("publish.refused")).toMatchObject({ will: true, reason: "will_refused" });
});

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

test("a device whose old certificate is revoked after a renewal keeps what it has", async () => {
  await using at = await TestGateway.start();
  const old = await at.peer("a");
  const device = await at.connect(old, { clean: false });
  await device.publishAsync("devices/a/up/config", "kept", { qos: 1, retain: true });
  const renewed = await at.peer("a");
  at.registry.revoke(old.minted.certificate);
  expect((await at.event("session.closed")).reason).toBe("certificate_revoked");
  await at.connect(renewed, { clean: false });
  const operator = await at.connect(await at.peer("op", { kind: "operator" }));
  const got: string[] = [];
  operator.on("message", (_topic, payload) => got.push(String(payload)));
  await operator.subscribeAsync("devices/#");
  await until("the retained one", () => got.length > 0);
  expect(at.eventsOf("device.purged")).toEqual([]);
});

test("what was revoked while no gateway ran is gone when one starts: session, retained message and will", async () => {
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
