/** A gateway that has proven itself, and then floods its device with TLS that is no application data. */
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { generate } from "mqtt-packet";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type ConnectOptions,
  type DeviceError,
  identityFromSigner,
  openSession,
} from "../../device-client/index.ts";
import { Recorder } from "../../mitm/record/recorder.ts";
import { ContentType } from "../../mitm/tls/numbers.ts";
import { TlsServer } from "../../mitm/tls/server.ts";
import { type MintedPki, mintPki } from "../support/minted-pki.ts";
import { portOf } from "../support/rogue-server.ts";
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

/** Lets the device in, and hands over what it has become. */
async function gatewayThat(then: (server: TlsServer) => Promise<void>): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    void serve(socket, then);
  });
  cleanUp.defer(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return portOf(listener);
}

async function serve(socket: Socket, then: (server: TlsServer) => Promise<void>): Promise<void> {
  const server = TlsServer.accept(socket, {
    recorder: new Recorder(),
    self: "gateway",
    peer: "device",
    credential: {
      name: "the gateway's own",
      chain: [pki.gateway.certificate.der, pki.issuing.certificate.der],
      key: createPrivateKey(pki.gateway.signer.exportForTls()),
    },
    tolerates: "everything",
    answerMs: 5_000,
    versions: ["TLS 1.3"],
  });
  const result = await server.handshake();
  if (!result.completed) return;
  await server.receive(5_000);
  server.send(generate({ cmd: "connack", returnCode: 0, sessionPresent: false }));
  await then(server);
}

function opened(port: number, over: Partial<ConnectOptions> = {}) {
  const parts = { certificate: pki.device.pem + pki.issuing.pem, ca: pki.root.pem };
  const session = cleanUp.use(
    openSession({
      identity: identityFromSigner(pki.device.signer, parts),
      gateway: { host: "127.0.0.1", port, serverName: "gateway.test" },
      reconnect: { minMs: 50_000, maxMs: 60_000 },
      ...over,
    }),
  );
  const got: string[] = [];
  const reasons: DeviceError[] = [];
  session.on("message", ({ payload }) => got.push(Buffer.from(payload).toString()));
  session.on("reconnecting", ({ reason }) => reasons.push(reason));
  return { session, got, reasons };
}

const hello = generate({ cmd: "publish", topic: "t", payload: "hello", qos: 0, retain: false, dup: false });
const tooMuch = {
  code: "DEVICE_PROTOCOL_ERROR",
  message: expect.stringMatching(/no application data, more than maxTlsOverheadBytes \(65536\)$/),
};

test("new keys now and then, and messages in records of a byte, are an honest gateway's", async () => {
  const port = await gatewayThat(async (server) => {
    for (let asked = 0; asked < 50; asked += 1) server.sendKeyUpdate(true);
    // Through two of the device's looks.
    const enough = performance.now() + 2_200;
    while (performance.now() < enough) {
      for (let round = 0; round < 100; round += 1) {
        for (const octet of hello) server.records.send(ContentType.application_data, Uint8Array.of(octet));
      }
      await delay(50);
    }
    server.send(generate({ cmd: "publish", topic: "t", payload: "end", qos: 0, retain: false, dup: false }));
  });
  const { session, got, reasons } = opened(port);
  await until("the end", () => got.includes("end") || reasons.length > 0);
  expect(reasons).toEqual([]);
  expect(session.state).toBe("connected");
});

test("a gateway that asks for new keys without end, and does not read, is left", async () => {
  const port = await gatewayThat(async (server) => {
    server.records.socket.pause();
    while (server.records.writable) {
      for (let sent = 0; sent < 500; sent += 1) server.sendKeyUpdate(true);
      await delay(20);
    }
  });
  const { reasons } = opened(port);
  await until("the device leaves", () => reasons.length > 0);
  expect(reasons).toEqual([expect.objectContaining(tooMuch)]);
});

test("a gateway that pads a byte now and then to the full size of a record is left too", async () => {
  const port = await gatewayThat(async (server) => {
    while (server.records.writable) {
      server.records.send(ContentType.application_data, Uint8Array.of(0xd0), { padding: 16_000 });
      server.records.send(ContentType.application_data, Uint8Array.of(0), { padding: 16_000 });
      await delay(50);
    }
  });
  const { reasons } = opened(port);
  await until("the device leaves", () => reasons.length > 0);
  expect(reasons).toEqual([expect.objectContaining(tooMuch)]);
});
