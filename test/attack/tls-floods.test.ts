import { createPrivateKey } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Recorder } from "../../mitm/record/recorder.ts";
import { TlsClient } from "../../mitm/tls/client.ts";
import { connectBytes, publishBytes } from "../support/mqtt-bytes.ts";
import { RawTls13 } from "../support/raw-tls/tls13.ts";
import { ContentType, HandshakeType } from "../support/raw-tls/wire.ts";
import { TestGateway, type TestPeer } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/*
 * RFC 8446 §4.6.3: either end may ask for new keys at any time, and is answered each time. An attacker that asks without
 * end, and does not read, would have the answers pile up; one that sends only what is no application data costs work.
 */

const pingreq = Buffer.from([0xc0, 0]);
const pingresp = Buffer.from([0xd0, 0]);

async function enter(at: TestGateway, device: TestPeer): Promise<RawTls13> {
  const tls = await RawTls13.open(at.gateway.mqttPort);
  tls.send(tls.certificate([device.minted.certificate.der, at.pki.issuing.certificate.der]));
  tls.send(tls.certificateVerify(createPrivateKey(device.minted.signer.exportForTls())));
  tls.send(tls.finished());
  tls.useApplicationKeys();
  return tls;
}

/** Asks for new keys until the gateway has had enough. */
async function flood(at: TestGateway, tls: RawTls13): Promise<void> {
  const ended = () => [...at.eventsOf("session.closed"), ...at.eventsOf("connection.refused")].length > 0;
  const deadline = performance.now() + 10_000;
  while (!ended() && performance.now() < deadline) {
    for (let sent = 0; sent < 1_000; sent += 1) tls.keyUpdate();
    await delay(20);
  }
}

test("P-22, valid twin: new keys now and then are given, and the session goes on", async () => {
  await using at = await TestGateway.start();
  const tls = await enter(at, await at.peer("d1"));
  tls.records.send(ContentType.applicationData, connectBytes("d1"));
  await at.event("session.opened");
  for (let asked = 0; asked < 50; asked += 1) tls.keyUpdate();
  tls.records.send(ContentType.applicationData, publishBytes("devices/d1/up/x", "under new keys"));
  await at.event("message");
  tls.records.send(ContentType.applicationData, pingreq);
  let answers = 0;
  for (;;) {
    const incoming = await tls.records.next();
    if (incoming.kind === "applicationData" && incoming.data.equals(pingresp)) break;
    if (incoming.kind !== "handshake" || incoming.message.type !== HandshakeType.keyUpdate) continue;
    answers += 1;
    tls.serverKeyUpdated();
  }
  // RFC 8446 §4.6.3 lets several be answered by one.
  expect(answers).toBeGreaterThan(0);
  expect(at.eventsOf("session.closed")).toEqual([]);
  tls.records.destroy();
});

test("P-22: a session that asks for new keys without end, and does not read, is cut off", async () => {
  await using at = await TestGateway.start();
  const spared = await at.connect(await at.peer("spared"));
  const tls = await enter(at, await at.peer("d1"));
  tls.records.send(ContentType.applicationData, connectBytes("d1"));
  await at.event("session.opened", ({ session }) => session.deviceId === "d1");
  tls.records.stopReading();
  await flood(at, tls);
  expect(await at.event("session.closed")).toMatchObject({
    reason: "tls_overhead",
    session: { deviceId: "d1" },
    detail: expect.stringMatching(/^\d+ bytes that are no application data$/),
  });
  await spared.publishAsync("devices/spared/up/x", "x", { qos: 1 });
  tls.records.destroy();
});

test("P-22: so is one that has not said CONNECT", async () => {
  await using at = await TestGateway.start();
  const tls = await enter(at, await at.peer("d1"));
  tls.records.stopReading();
  await flood(at, tls);
  expect(await at.event("connection.refused")).toMatchObject({ reason: "tls_overhead", deviceId: "d1" });
  tls.records.destroy();
});

test.each(["TLS 1.2", "TLS 1.3"] as const)(
  "P-22, valid twin: %s: messages in records of a single byte are not held against a device",
  async (version) => {
    await using at = await TestGateway.start({ limits: { tlsOverheadBytes: 32_768 } });
    const { minted } = await at.peer("d1");
    const device = await TlsClient.connect(
      { host: "127.0.0.1", port: at.gateway.mqttPort },
      {
        recorder: new Recorder(),
        self: "device",
        peer: "gateway",
        credential: {
          name: "d1's",
          chain: [minted.certificate.der, at.pki.issuing.certificate.der],
          key: createPrivateKey(minted.signer.exportForTls()),
        },
        tolerates: "everything",
        answerMs: 5_000,
        versions: [version],
      },
    );
    expect(await device.handshake()).toMatchObject({ completed: true, version });
    device.send(connectBytes("d1"));
    await at.event("session.opened");
    const publish = publishBytes("devices/d1/up/x", "x".repeat(2_000));
    // Through two of the gateway's looks.
    const enough = performance.now() + 2_200;
    let rounds = 0;
    while (performance.now() < enough && at.eventsOf("session.closed").length === 0) {
      for (const octet of publish) device.records.send(ContentType.applicationData, Uint8Array.of(octet));
      device.records.send(ContentType.applicationData, pingreq);
      rounds += 1;
      await until(
        "the message",
        () => at.eventsOf("message").length === rounds || at.eventsOf("session.closed").length > 0,
      );
    }
    expect(at.eventsOf("session.closed")).toEqual([]);
    // So many bytes of records as would be far too much if they were held against it.
    expect(rounds * publish.length * 21).toBeGreaterThan(8 * 32_768);
    device.destroy();
  },
);
