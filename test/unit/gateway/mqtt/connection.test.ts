import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defaultLimits, type Limits } from "../../../../gateway/limits.ts";
import { MqttConnection } from "../../../../gateway/mqtt/connection.ts";
import type { TlsWatch } from "../../../../gateway/mqtt/tls-watch.ts";
import { connectBytes, publishBytes } from "../../../support/mqtt-bytes.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const connack = Buffer.from("20020000", "hex");

/** A connection over a socket that is a plain Duplex; `written` is what reached the wire. */
function connected(over: Partial<Limits> = {}, takes = true, watch?: Pick<TlsWatch, "look">) {
  const written: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      if (takes) done();
    },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const connection = new MqttConnection(socket as TLSSocket, "::1", { ...defaultLimits, ...over }, watch);
  return { connection, socket, wire: () => Buffer.concat(written) };
}

/** A turn of the event loop, in which streams hand on what they hold. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

test("MQTT-3.2.0-1: a PUBLISH written before the CONNACK leaves after it", async () => {
  const { connection, wire } = connected();
  const [early, late] = [publishBytes("t", "early"), publishBytes("t", "late")];
  connection.write(early);
  await turn();
  expect(wire().length).toBe(0);
  connection.write(connack.subarray(0, 2));
  connection.write(connack.subarray(2));
  connection.write(late);
  await turn();
  expect(wire()).toEqual(Buffer.concat([connack, early, late]));
});

test("the broker is given the CONNECT alone, and what follows once the CONNACK is written", async () => {
  const { connection, socket } = connected();
  const next = publishBytes("t", "x");
  socket.push(Buffer.concat([connectBytes("d1"), next]));
  await turn();
  expect(connection.read()).toEqual(connectBytes("d1"));
  socket.push(next);
  await turn();
  expect(connection.read()).toBeNull();
  connection.write(connack);
  expect(connection.read()).toEqual(Buffer.concat([next, next]));
});

test("the socket is left unread while the broker has not taken what was read", async () => {
  const { connection, socket } = connected();
  socket.push(connectBytes("d1"));
  await turn();
  connection.read();
  connection.write(connack);
  socket.push(publishBytes("t", Buffer.alloc(100_000)));
  await turn();
  expect(socket.isPaused()).toBe(true);
  expect(connection.read()?.length).toBeGreaterThan(100_000);
  expect(socket.isPaused()).toBe(false);
});

test("write is always true, and a peer that takes nothing is cut at the limit", async () => {
  const { connection, socket } = connected({ queuedBytes: 10_000 }, false);
  connection.write(connack);
  const packet = publishBytes("t", Buffer.alloc(900));
  for (let n = 0; n < 8; n += 1) expect(connection.write(packet)).toBe(true);
  await turn();
  expect(connection.destroyed).toBe(false);
  for (let n = 0; n < 8; n += 1) expect(connection.write(packet)).toBe(true);
  await turn();
  expect(connection.endReason?.reason).toBe("slow_consumer");
  expect(socket.destroyed).toBe(true);
});

test("what is held before the CONNACK counts against the limit too", () => {
  const { connection } = connected({ queuedBytes: 10_000 });
  for (let n = 0; n < 20; n += 1) connection.write(publishBytes("t", Buffer.alloc(900)));
  expect(connection.endReason?.reason).toBe("slow_consumer");
});

test("a CONNECT that does not come in time ends the connection", async () => {
  const { connection, socket } = connected();
  socket.push(connectBytes("d1").subarray(0, 5));
  await turn();
  vi.advanceTimersByTime(defaultLimits.connectTimeoutMs - 1);
  expect(connection.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(connection.endReason?.reason).toBe("connect_timeout");
  expect(connection.destroyed).toBe(true);
});

test("a peer that does not close is closed after the linger time", async () => {
  const { connection, socket } = connected({}, false);
  connection.write(connack);
  connection.end("gateway_stopping", "");
  await turn();
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(2_000);
  expect(socket.destroyed).toBe(true);
});

test("what arrived before the peer closed reaches the broker before the end does", async () => {
  const { connection, socket } = connected();
  const order: string[] = [];
  connection.on("end", () => order.push("end"));
  socket.push(Buffer.concat([connectBytes("d1"), publishBytes("t", "last")]));
  socket.push(null);
  await turn();
  connection.read();
  connection.write(connack);
  order.push(connection.read() === null ? "nothing" : "last message");
  await turn();
  expect(order).toEqual(["last message", "end"]);
});

test("after the end nothing is read or written", async () => {
  const { connection, socket, wire } = connected();
  connection.cut("certificate_revoked", "");
  expect(connection.write(connack)).toBe(true);
  socket.push(connectBytes("d1"));
  await turn();
  expect(connection.read()).toBeNull();
  expect(wire().length).toBe(0);
});

test("a connection that the broker ends as it reads leaves no timer of the read rate behind", async () => {
  const { connection, socket } = connected({ bytesPerSecond: 1 });
  connection.on("readable", () => connection.cut("protocol_error", ""));
  socket.push(connectBytes("d1"));
  await turn();
  expect(connection.destroyed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("the time for the last bytes ends with the connection, and leaves no timer behind", async () => {
  const { connection, socket } = connected();
  socket.push(Buffer.concat([connectBytes("d1"), publishBytes("t", "last")]));
  socket.push(null);
  await turn();
  connection.read();
  socket.destroy();
  await turn();
  expect(connection.destroyed).toBe(false);
  connection.cut("gateway_stopping", "");
  expect(vi.getTimerCount()).toBe(0);
});

test("what is no application data is asked of the watch, and ends the connection for that reason", async () => {
  const looked: Array<readonly [number, number, number]> = [];
  let found: number | undefined;
  const watch = {
    look(bytes: number, records: number, nowMs: number) {
      looked.push([bytes, records, nowMs]);
      return found;
    },
  };
  const { connection, socket } = connected({}, true, watch);
  socket.push(connectBytes("d1"));
  await turn();
  connection.checkOverhead(500);
  expect(connection.endReason).toBeUndefined();
  found = 70_000.4;
  connection.checkOverhead(1_000);
  expect(looked).toEqual([
    [connectBytes("d1").length, 1, 500],
    [connectBytes("d1").length, 1, 1_000],
  ]);
  expect(connection.endReason).toEqual({
    reason: "tls_overhead",
    detail: "70000 bytes that are no application data",
  });
  expect(socket.destroyed).toBe(true);
  await turn();
  connection.checkOverhead(1_500);
  expect(looked).toHaveLength(2);
});
