/** A gateway that has proven itself and then misbehaves, or whose bytes end too early. */
import { randomBytes, randomInt } from "node:crypto";
import { generate, type Packet } from "mqtt-packet";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  DeviceError,
  type DeviceErrorCode,
  type DeviceSession,
  identityFromSigner,
  openSession,
} from "../../device-client/index.ts";
import { type MintedPki, mintPki } from "../support/minted-pki.ts";
import { type RogueServer, startRogueServer } from "../support/rogue-server.ts";
import { until } from "../support/until.ts";

let pki: MintedPki;
let cleanUp: AsyncDisposableStack;

beforeAll(async () => {
  pki = await mintPki();
});

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});

afterEach(() => cleanUp.disposeAsync());

const connack = generate({ cmd: "connack", returnCode: 0, sessionPresent: false });
const hello = publish("t", "hello");

test("a connection that ends in the middle of a packet delivers nothing of it and is made again", async () => {
  for (const cut of [1, 2, 5, hello.length - 1]) {
    const server = await gatewayThat(
      (turn) => [connack, turn === 1 ? hello.subarray(0, cut) : hello],
      (turn) => turn === 1,
    );
    const { got, reasons } = watched(server);
    await until("the whole message on the second connection", () => got.length === 1);
    expect(got).toEqual(["t hello"]);
    expect(reasons).toEqual(["DEVICE_CONNECTION_LOST"]);
  }
});

test("a connection that ends in the middle of CONNACK is no session", async () => {
  const server = await gatewayThat(
    () => [connack.subarray(0, 3)],
    () => true,
  );
  expect(await firstFailure(server)).toBe("DEVICE_REFUSED");
});

test("a packet beyond maxPacketBytes ends the connection at its header; what came with it does not count", async () => {
  const header = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]);
  const server = await gatewayThat((turn) => (turn === 1 ? [connack, hello, header] : [connack, hello]));
  const { got, reasons, connections } = watched(server);
  await until("the next connection", () => got.length === 1);
  expect(reasons).toEqual(["DEVICE_PROTOCOL_ERROR"]);
  expect(connections).toEqual(["TLSv1.3"]);
});

test("a packet of exactly maxPacketBytes is delivered", async () => {
  const server = await gatewayThat(() => [connack, publish("t", "x".repeat(997))]);
  const { got, reasons } = watched(server, { maxPacketBytes: 1000 });
  await until("the message", () => got.length === 1);
  expect(reasons).toEqual([]);
});

test("MQTT 3.1.1 §3.2: a PUBLISH before CONNACK is a protocol error and is not delivered", async () => {
  const server = await gatewayThat(() => [hello, connack]);
  expect(await firstFailure(server)).toBe("DEVICE_PROTOCOL_ERROR");
});

test("a second CONNACK is a protocol error", async () => {
  const server = await gatewayThat((turn) => (turn === 1 ? [connack, connack] : [connack, hello]));
  const { got, reasons } = watched(server);
  await until("the next connection", () => got.length === 1);
  expect(reasons).toEqual(["DEVICE_PROTOCOL_ERROR"]);
});

test("a malformed packet ends the connection", async () => {
  // PUBLISH with QoS 3: MQTT 3.1.1 §3.3.1.2.
  const server = await gatewayThat((turn) =>
    turn === 1 ? [connack, Buffer.from("360500017461", "hex")] : [connack, hello],
  );
  const { got, reasons } = watched(server);
  await until("the next connection", () => got.length === 1);
  expect(reasons).toEqual(["DEVICE_PROTOCOL_ERROR"]);
});

test("MQTT 3.1.1 §3.1.2.10: a gateway that no longer answers PINGREQ is given up after one and a half intervals", async () => {
  const server = await gatewayThat((turn) => (turn === 1 ? [connack] : [connack, hello]));
  const { got, reasons } = watched(server, { keepaliveSeconds: 1 });
  await until("the next connection", () => got.length === 1);
  expect(reasons).toEqual(["DEVICE_CONNECTION_LOST"]);
});

test("QoS 2 messages that are never released end the connection before they fill the memory", async () => {
  const flood = Array.from({ length: 1001 }, (_, index) => publish("t", "x", 2, index + 1));
  const server = await gatewayThat((turn) => (turn === 1 ? [connack, ...flood] : [connack, hello]));
  const { got, reasons } = watched(server);
  await until("the next connection", () => got.length === 1);
  expect(reasons).toEqual(["DEVICE_PROTOCOL_ERROR"]);
});

test("random bytes after CONNACK break a connection at most, never the process", async () => {
  const server = await gatewayThat(
    () => [connack, randomBytes(300)],
    () => true,
  );
  const session = opened(server);
  session.on("message", () => {});
  await until("a hundred connections", () => server.connections >= 100, 30_000);
  await session.close();
  expect(session.state).toBe("closed");
});

test("valid packets out of place, with bits flipped, break a connection at most, never the process", async () => {
  const server = await gatewayThat(
    () => {
      const packets = Array.from({ length: 12 }, () => anyPackets[randomInt(anyPackets.length)] ?? hello);
      const bytes = Buffer.concat(packets);
      const at = randomInt(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(8));
      return [connack, bytes];
    },
    () => true,
  );
  const session = opened(server);
  session.on("message", () => {});
  const settled: Array<Promise<unknown>> = [];
  session.on("connected", () => {
    settled.push(
      session.publish("t", "x", { qos: 2 }).catch(() => {}),
      session.subscribe("t").catch(() => {}),
    );
  });
  await until("a hundred connections", () => server.connections >= 100, 30_000);
  await session.close();
  await Promise.all(settled);
  expect(session.pending).toEqual({ waiting: 0, inFlight: 0, bytes: 0 });
});

test("nothing is delivered once close() was called, so that nothing is acknowledged and lost", async () => {
  const server = await gatewayThat(() => [connack, hello, publish("t", "late")]);
  const session = opened(server);
  const got: string[] = [];
  const closed = new Promise<void>((resolve) => session.on("closed", () => resolve()));
  session.on("message", ({ payload }) => {
    got.push(Buffer.from(payload).toString());
    void session.close();
  });
  await closed;
  expect(got).toEqual(["hello"]);
});

test("a listener that throws is an uncaught error of the caller, and the protocol goes on", async () => {
  const uncaught: unknown[] = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error));
  try {
    const server = await gatewayThat(() => [connack, hello, hello]);
    const session = opened(server);
    let seen = 0;
    session.on("message", () => {
      seen += 1;
      throw new Error("mine");
    });
    await until("both messages", () => seen === 2 && uncaught.length === 2);
    expect(session.state).toBe("connected");
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const other of others) process.on("uncaughtException", other);
  }
});

const ids = [0, 1, 2, 65535];
const anyPackets: readonly Buffer[] = [
  connack,
  hello,
  generate({ cmd: "pingresp" }),
  ...ids.flatMap((messageId) => [
    publish("t", "x", 1, messageId || 7),
    publish("t", "x", 2, messageId || 7),
    generate({ cmd: "puback", messageId }),
    generate({ cmd: "pubrec", messageId }),
    generate({ cmd: "pubrel", messageId }),
    generate({ cmd: "pubcomp", messageId }),
    generate({ cmd: "suback", messageId, granted: [1] }),
    generate({ cmd: "suback", messageId, granted: [0, 1, 128] }),
    generate({ cmd: "unsuback", messageId, granted: [] }),
  ]),
];

/** Writes the packets of each connection, by its number, once it has got a CONNECT; then ends it or waits. */
async function gatewayThat(
  sends: (turn: number) => readonly Uint8Array[],
  ends: (turn: number) => boolean = () => false,
): Promise<RogueServer> {
  let turn = 0;
  const identity = { signer: pki.gateway.signer, chain: [pki.gateway, pki.issuing] };
  const server = await startRogueServer(identity, {}, (socket) => {
    turn += 1;
    const mine = turn;
    socket.once("data", () => {
      const bytes = Buffer.concat(sends(mine));
      if (ends(mine)) socket.end(bytes);
      else socket.write(bytes);
    });
  });
  return cleanUp.use(server);
}

function watched(server: RogueServer, over: Partial<ConnectOptions> = {}) {
  const session = opened(server, over);
  const got: string[] = [];
  const reasons: DeviceErrorCode[] = [];
  const connections: string[] = [];
  session.on("message", ({ topic, payload }) => got.push(`${topic} ${Buffer.from(payload).toString()}`));
  session.on("reconnecting", ({ reason }) => reasons.push(reason.code));
  session.on("connected", ({ protocol }) => connections.push(protocol));
  return { got, reasons, connections };
}

function opened(server: RogueServer, over: Partial<ConnectOptions> = {}): DeviceSession {
  return cleanUp.use(openSession({ ...options(server), ...over }));
}

async function firstFailure(server: RogueServer): Promise<DeviceErrorCode> {
  try {
    const session = await connect(options(server));
    await session.close();
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  throw new Error("connected");
}

function options(server: RogueServer): ConnectOptions {
  const parts = { certificate: pki.device.pem + pki.issuing.pem, ca: pki.root.pem };
  return {
    identity: identityFromSigner(pki.device.signer, parts),
    gateway: { host: "127.0.0.1", port: server.port, serverName: "gateway.test" },
    reconnect: { minMs: 5, maxMs: 10 },
  };
}

function publish(topic: string, payload: string, qos: 0 | 1 | 2 = 0, messageId = 1): Buffer {
  const packet: Packet = {
    cmd: "publish",
    topic,
    payload,
    qos,
    retain: false,
    dup: false,
    ...(qos > 0 && { messageId }),
  };
  return generate(packet);
}
