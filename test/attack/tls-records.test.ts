import { createPrivateKey } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inbox } from "../support/inbox.ts";
import { connectBytes, publishBytes } from "../support/mqtt-bytes.ts";
import { RawTls13 } from "../support/raw-tls/tls13.ts";
import {
  ContentType,
  extension,
  HandshakeType,
  handshakeMessage,
  outcomeOf,
  RecordLayer,
  u8,
  u16,
  vector,
} from "../support/raw-tls/wire.ts";
import { type Rewrite, startRecordProxy } from "../support/record-proxy.ts";
import { RawClient, TestGateway } from "../support/test-gateway.ts";
import { until } from "../support/until.ts";

/*
 * Attacks on TLS records and first messages, sent as bytes. In each one the gateway's own event, or what it answered,
 * shows that the bytes arrived; and not one byte of MQTT comes back.
 */

interface Hello {
  readonly version?: number;
  readonly recordVersion?: number;
  readonly suites?: readonly number[];
  readonly extensions?: readonly Buffer[];
}

/** A ClientHello of TLS 1.2 and before, as old or as poor as a test wants it. */
function clientHello({ version = 0x0303, suites = [0xc02b], extensions = [] }: Hello): Buffer {
  const body = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 7),
    vector(1),
    vector(2, ...suites.map(u16)),
    vector(1, u8(0)),
    vector(
      2,
      extension(10, vector(2, u16(0x001d), u16(0x0017))),
      extension(11, vector(1, u8(0))),
      extension(13, vector(2, u16(0x0403), u16(0x0401), u16(0x0201))),
      ...extensions,
    ),
  ]);
  return handshakeMessage(HandshakeType.clientHello, body).bytes;
}

/** Sends a first message and tells what came back. */
async function answerToHello(at: TestGateway, hello: Uint8Array, recordVersion = 0x0301) {
  const records = await RecordLayer.connect(at.gateway.mqttPort);
  records.sendRaw(Buffer.concat([u8(ContentType.handshake), u16(recordVersion), vector(2, hello)]));
  const incoming = await records.next();
  records.destroy();
  return incoming;
}

async function expectStillServing(at: TestGateway): Promise<void> {
  const client = await at.connect(await at.peer("spared"));
  await client.publishAsync("devices/spared/up/x", "x", { qos: 1 });
}

describe("ClientHello", () => {
  test("P-01, valid twin: a ClientHello of TLS 1.2 gets a ServerHello", async () => {
    await using at = await TestGateway.start();
    const answer = await answerToHello(at, clientHello({}));
    expect(answer).toMatchObject({ kind: "handshake", message: { type: HandshakeType.serverHello } });
  });

  test.each([
    ["SSL 3.0", 0x0300],
    ["TLS 1.0", 0x0301],
    ["TLS 1.1", 0x0302],
  ])("P-01: a ClientHello rewritten to %s is refused", async (_title, version) => {
    await using at = await TestGateway.start();
    const hello = clientHello({ version, suites: [0xc02b, 0xc009, 0x002f] });
    const answer = await answerToHello(at, hello);
    expect(answer).toMatchObject({ kind: "alert", level: 2 });
    expect(await at.refusal()).toBe("tls_version");
    await expectStillServing(at);
  });

  test("P-01: a ClientHello of SSL 2.0 is no TLS", async () => {
    await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 500 } });
    const socket = connectTcp(at.gateway.mqttPort, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(Buffer.from("802b0100020012000000100100800700c0030080060040020080040080", "hex"));
    expect(await at.refusal()).toMatch(/^(not_tls|tls_version|handshake_timeout|handshake_failed)$/);
    socket.destroy();
    expect(at.eventsOf("session.opened")).toEqual([]);
  });

  test.each([
    ["NULL encryption", [0xc006, 0x003b]],
    ["anonymous key exchange", [0xc018, 0x0034]],
    ["export strength", [0x0003, 0x0008]],
    ["RC4", [0xc007, 0x0005]],
    ["3DES", [0xc008, 0x000a]],
    ["static RSA", [0x009c, 0x002f]],
    ["CBC", [0xc009, 0xc023]],
    ["pre-shared keys", [0x00a8, 0xc037]],
  ])("P-04: %s alone", async (_title, suites) => {
    await using at = await TestGateway.start();
    const answer = await answerToHello(at, clientHello({ suites }));
    expect(answer).toMatchObject({ kind: "alert", description: 40 });
    expect(await at.refusal()).toBe("tls_no_shared_cipher");
  });

  test.each([
    ["NUL in it", Buffer.from("gateway.test\u0000.evil.example")],
    ["16,000 octets of it", Buffer.alloc(16_000, 0x61)],
  ])("P-15: a server name with %s gives no session and harms nobody", async (_title, name) => {
    await using at = await TestGateway.start();
    const serverName = extension(0, vector(2, u8(0), vector(2, name)));
    const answer = await answerToHello(at, clientHello({ extensions: [serverName] }));
    expect(answer).toMatchObject({ kind: "alert", level: 2 });
    expect(await at.refusal()).toMatch(/^(handshake_failed|peer_alert)$/);
    await expectStillServing(at);
  });
});

describe("P-06: key shares (RFC 9846 §4.2.8)", () => {
  const x25519 = 0x001d;
  const p256 = 0x0017;
  const offCurve = Buffer.concat([u8(4), Buffer.alloc(64, 1)]);
  test.each([
    ["a share of zeros", x25519, Buffer.alloc(32)],
    ["a share that is too short", x25519, Buffer.alloc(31, 9)],
    ["a point that is not on the curve", p256, offCurve],
    ["the point at infinity", p256, Buffer.alloc(1)],
  ])("P-06: %s", async (_title, group, share) => {
    await using at = await TestGateway.start();
    const tls13 = [
      extension(43, vector(1, u16(0x0304))),
      extension(51, vector(2, u16(group), vector(2, share))),
    ];
    const answer = await answerToHello(at, clientHello({ suites: [0x1301], extensions: tls13 }));
    expect(answer).toMatchObject({ kind: "alert", level: 2 });
    expect(await at.refusal()).toBe("handshake_failed");
    await expectStillServing(at);
  });
});

describe("P-13: early data", () => {
  test("P-13: no ticket allows 0-RTT (RFC 9846 §4.6.1: no early_data extension)", async () => {
    await using at = await TestGateway.start();
    const device = await at.peer("d1");
    const tls = await RawTls13.open(at.gateway.mqttPort);
    tls.send(tls.certificate([device.minted.certificate.der, at.pki.issuing.certificate.der]));
    tls.send(tls.certificateVerify(createPrivateKey(device.minted.signer.exportForTls())));
    tls.send(tls.finished());
    const incoming = await tls.records.next();
    tls.records.destroy();
    if (incoming.kind !== "handshake") throw new Error(`a ticket is expected, not ${incoming.kind}`);
    expect(incoming.message.type).toBe(HandshakeType.newSessionTicket);
    expect(ticketExtensions(incoming.message.body)).not.toContain(42);
  });
});

/** RFC 9846 §4.6.1: the extension types of a NewSessionTicket. */
function ticketExtensions(body: Buffer): number[] {
  let at = 8; // ticket_lifetime, ticket_age_add
  at += 1 + body.readUInt8(at); // ticket_nonce
  at += 2 + body.readUInt16BE(at); // ticket
  const types: number[] = [];
  for (at += 2; at < body.length; at += 4 + body.readUInt16BE(at + 2)) types.push(body.readUInt16BE(at));
  return types;
}

describe("records on their way", () => {
  const versions = ["TLSv1.2", "TLSv1.3"] as const;
  const attacks: ReadonlyArray<readonly [string, Rewrite]> = [
    ["with a bit flipped", ([first, ...rest]) => (first === undefined ? [] : [flipped(first), ...rest])],
    ["sent twice", (records) => records.flatMap((record) => [record, record])],
    ["dropped, the next one passes", (records) => (records.length < 2 ? [] : records.slice(1))],
    ["in the wrong order", (records) => (records.length < 2 ? [] : records.toReversed())],
    ["cut short", (records) => records.map((record) => shortened(record))],
  ];
  for (const version of versions) {
    test.each(attacks)(
      `P-17: ${version}: a record %s ends the connection and is not delivered`,
      async (_title, rewrite) => {
        await using at = await TestGateway.start();
        const operator = await at.connect(await at.peer("op", { kind: "operator" }));
        const heard = inbox(operator);
        await operator.subscribeAsync("devices/#", { qos: 1 });
        await using proxy = await startRecordProxy(at.gateway.mqttPort);
        const device = await at.peer("d1");
        const raw = await at.dial({ ...device.tls, port: proxy.port, maxVersion: version });
        // The positive control: through the same middle, untouched.
        raw.send(connectBytes("d1"), publishBytes("devices/d1/up/x", "untouched"));
        await until("the untouched one", () => heard.length === 1);
        const before = proxy.seen;
        proxy.rewrite = rewrite;
        raw.send(publishBytes("devices/d1/up/x", "1"));
        await until("the record was in the middle", () => proxy.seen > before);
        raw.send(publishBytes("devices/d1/up/x", "2"));
        expect((await at.event("session.closed", ({ session }) => session.deviceId === "d1")).reason).toBe(
          "connection_lost",
        );
        await operator.publishAsync("devices/d1/down/x", "end", { qos: 1 });
        await until("the end", () => heard.includes("devices/d1/down/x end"));
        // Sent twice, the first of the two is genuine; nothing comes twice, and nothing after it.
        expect(heard.filter((one) => !/untouched|end|up\/x 1$/.test(one))).toEqual([]);
        expect(heard.filter((one) => one.endsWith("up/x 1")).length).toBeLessThanOrEqual(1);
      },
    );
  }

  test("P-16: TCP ends without close_notify in the middle of a PUBLISH: nobody gets it", async () => {
    await using at = await TestGateway.start();
    const operator = await at.connect(await at.peer("op", { kind: "operator" }));
    const heard = inbox(operator);
    await operator.subscribeAsync("devices/#", { qos: 1 });
    const tcp = connectTcp(at.gateway.mqttPort, "127.0.0.1");
    const { tls } = await at.peer("d1");
    const raw = new RawClient(connectTls({ ...tls, socket: tcp }));
    raw.send(connectBytes("d1"), publishBytes("devices/d1/up/x", "whole"));
    raw.send(publishBytes("devices/d1/up/x", "x".repeat(500)).subarray(0, 100));
    await until("the whole one", () => heard.length === 1);
    tcp.destroy();
    expect((await at.event("session.closed")).reason).toBe("connection_lost");
    expect(heard).toEqual(["devices/d1/up/x whole"]);
  });
});

describe("P-20: handshakes that cost", () => {
  test("P-20: a ClientHello in records of one byte is a ClientHello, or is refused; nobody waits for it", async () => {
    await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 1000 } });
    const records = await RecordLayer.connect(at.gateway.mqttPort);
    for (const octet of clientHello({})) records.send(ContentType.handshake, u8(octet));
    await expectStillServing(at);
    const { applicationData } = await outcomeOf(records);
    expect(applicationData).toHaveLength(0);
    expect(await at.refusal()).toMatch(/^(handshake_timeout|handshake_failed|handshake_aborted)$/);
  });

  test("P-20: a handshake that goes on byte by byte does not outlive the time-out", async () => {
    await using at = await TestGateway.start({ limits: { handshakeTimeoutMs: 400 } });
    const socket = connectTcp(at.gateway.mqttPort, "127.0.0.1");
    socket.on("error", () => undefined);
    const hello = clientHello({});
    const record = Buffer.concat([u8(22), u16(0x0301), vector(2, hello)]);
    const drip = dripInto(socket, record, 20);
    expect(await at.refusal()).toBe("handshake_timeout");
    clearInterval(drip);
    await expectStillServing(at);
  });

  test("G-CERT-20, RFC 8879: eight megabytes of certificate, compressed to eight thousand bytes, are not unpacked", async () => {
    await using at = await TestGateway.start();
    const tls = await RawTls13.open(at.gateway.mqttPort);
    const bomb = deflateSync(Buffer.alloc(8 * 2 ** 20));
    const before = process.memoryUsage().rss;
    const body = Buffer.concat([u16(1), Buffer.from("800000", "hex"), vector(3, bomb)]);
    tls.send(handshakeMessage(25, body));
    const outcome = await outcomeOf(tls.records);
    expect(outcome.applicationData).toHaveLength(0);
    expect(outcome.alert).toMatch(/^(unexpected_message|illegal_parameter|bad_certificate)$/);
    expect(await at.refusal()).toBe("handshake_failed");
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    await expectStillServing(at);
  });
});

test("P-23: a relay under its own certificate speaks as itself, whatever it passes on", async () => {
  await using at = await TestGateway.start();
  const victim = await at.connect(await at.peer("v"));
  const heard = inbox(await at.connect(await at.peer("op", { kind: "operator" })));
  const relay = await at.peer("m");
  // The victim's own bytes, as a man in the middle would have them.
  const passedOn = await at.dial(relay.tls);
  passedOn.send(connectBytes("v"), publishBytes("devices/v/up/x", "passed on", 1));
  await passedOn.untilClosed();
  expect(passedOn.received.toString("hex")).toBe("20020002");
  expect(await at.event("connection.refused")).toMatchObject({
    reason: "client_id_mismatch",
    deviceId: "m",
    clientId: "v",
  });
  // Its own CONNECT, and then the victim's messages.
  const own = await at.dial(relay.tls);
  own.send(connectBytes("m"), publishBytes("devices/v/up/x", "passed on", 1));
  await own.untilClosed();
  expect(await at.event("publish.refused")).toMatchObject({ reason: "topic_denied", deviceId: "m" });
  expect(heard).toEqual([]);
  expect(victim.connected).toBe(true);
});

function flipped(record: Buffer): Buffer {
  return Buffer.concat([record.subarray(0, -1), u8((record.at(-1) ?? 0) ^ 1)]);
}

/** A byte less, and a header that says so. */
function shortened(record: Buffer): Buffer {
  return Buffer.concat([record.subarray(0, 3), vector(2, record.subarray(5, -1))]);
}

function dripInto(socket: Socket, bytes: Buffer, everyMs: number): NodeJS.Timeout {
  let at = 0;
  return setInterval(() => {
    if (!socket.destroyed) socket.write(bytes.subarray(at, ++at));
  }, everyMs);
}
