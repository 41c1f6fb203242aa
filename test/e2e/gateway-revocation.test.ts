import { expect, test } from "vitest";
import { connectBytes } from "../support/mqtt-bytes.ts";
import { TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

test.each([
  ["removed", "device_unknown", (at: TestGateway) => at.registry.remove("a")],
  ["retired", "device_inactive", (at: TestGateway) => at.registry.put("a", { status: "retired" })],
])("a device that is %s loses its session", async (_title, reason, change) => {
  await using at = await TestGateway.start();
  await at.connect(await at.peer("a"));
  change(at);
  expect((await at.event("session.closed")).reason).toBe(reason);
});

/** In TLS 1.2 the server is done first: a client whose handshake is done has been judged. */
const judgedWhenDone = { maxVersion: "TLSv1.2" } as const;

test("a connection that has not said CONNECT yet is closed by revocation as well", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial({ ...peer.tls, ...judgedWhenDone });
  at.registry.revoke(peer.minted.certificate);
  await raw.untilClosed();
  expect(await at.refusal()).toBe("certificate_revoked");
});

test("between handshake and CONNECT the certificate is judged again", async () => {
  await using at = await TestGateway.start();
  const peer = await at.peer("a");
  const raw = await at.dial({ ...peer.tls, ...judgedWhenDone });
  at.registry.revoke(peer.minted.certificate);
  raw.send(connectBytes("a"));
  await raw.untilClosed();
  expect(raw.received.length).toBe(0);
  expect(await at.refusal()).toBe("certificate_revoked");
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
