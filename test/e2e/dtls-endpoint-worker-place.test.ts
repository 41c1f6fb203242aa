/* oxlint-disable unicorn/require-post-message-target-origin -- these ports are threads, not windows */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { placeOf, type WorkerPlace, type WorkerSink, workerPlace } from "../../dtls/endpoint/worker-place.ts";
import { dtlsErrorCode } from "../support/dtls/dtls-error-code.ts";
import { until } from "../support/until.ts";

const alice = { address: "192.0.2.1", port: 1000 };
const ticketKeys = new Uint8Array(48);
const ports: MessagePort[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

interface Placed {
  readonly place: WorkerPlace;
  readonly control: MessagePort;
  readonly got: { readonly byte: number | undefined; readonly from: typeof alice }[];
  readonly takenOver: string[];
}

function place(index: number): Placed {
  const { port1: control, port2 } = new MessageChannel();
  ports.push(control, port2);
  const own = placeOf({ index, ticketKeys, control: port2 });
  const got: Placed["got"] = [];
  const takenOver: string[] = [];
  const sink: WorkerSink = {
    onForwarded: (datagram, from) => void got.push({ byte: datagram[0], from }),
    onTakenOver: ({ address }) => void takenOver.push(address),
    onClose: () => void takenOver.push("close"),
  };
  own.attach(sink);
  return { place: own, control, got, takenOver };
}

function introduce(a: Placed, b: Placed): MessagePort {
  const { port1, port2 } = new MessageChannel();
  a.control.postMessage({ type: "peer", index: b.place.index, port: port1 }, [port1]);
  b.control.postMessage({ type: "peer", index: a.place.index, port: port2 }, [port2]);
  ports.push(port1, port2);
  return port1;
}

test("a datagram gets to the worker that it is for, with its sender", async () => {
  const [zero, one] = [place(0), place(1)];
  introduce(zero, one);
  await until("they know each other", () => zero.place.forward(1, Uint8Array.of(7), alice));
  zero.place.forward(1, Uint8Array.of(8), alice);
  await until("both are there", () => one.got.length === 2);
  expect(one.got).toEqual([
    { byte: 7, from: alice },
    { byte: 8, from: alice },
  ]);
  expect(zero.place.forward(2, Uint8Array.of(9), alice)).toBe(false);
});

test("a worker that does not keep up is not buried: beyond a bound datagrams are lost, and after it they are not (D7)", async () => {
  const [zero, one] = [place(0), place(1)];
  introduce(zero, one);
  await until("they know each other", () => zero.place.forward(1, Uint8Array.of(0), alice));
  let accepted = 1;
  for (let index = 0; index < 10_000; index++)
    if (zero.place.forward(1, Uint8Array.of(1), alice)) accepted += 1;
  expect(accepted).toBeLessThanOrEqual(256);
  await until("all are there", () => one.got.length === accepted);
  await until("there is room again", () => zero.place.forward(1, Uint8Array.of(2), alice));
});

test("each knows the addresses of the others, also those from before they met", async () => {
  const [zero, one] = [place(0), place(1)];
  zero.place.own(alice);
  introduce(zero, one);
  const key = "192.0.2.1|1000";
  await until("it is told", () => one.place.ownerOf(key) === 0);
  expect(one.takenOver).toEqual(["192.0.2.1"]);
  expect(zero.place.ownerOf(key)).toBeUndefined();
  zero.place.disown(alice);
  await until("it is told of the end", () => one.place.ownerOf(key) === undefined);
});

test("of a worker that ended nothing is kept (B5)", async () => {
  const [zero, one] = [place(0), place(1)];
  const port = introduce(zero, one);
  zero.place.own(alice);
  await until("it is told", () => one.place.ownerOf("192.0.2.1|1000") === 0);
  zero.control.close();
  port.close();
  // The port went to the other thread: it is that end which closes.
  const again = place(0);
  introduce(again, one);
  await until("it is forgotten", () => one.place.ownerOf("192.0.2.1|1000") === undefined);
});

test("the end is told to the endpoint; a place is one endpoint's, and a thread's that has one", async () => {
  const zero = place(0);
  zero.control.postMessage({ type: "close" });
  await until("it is told", () => zero.takenOver.includes("close"));
  const sink = { onForwarded: () => undefined, onTakenOver: () => undefined, onClose: () => undefined };
  expect(dtlsErrorCode(() => zero.place.attach(sink))).toBe("DTLS_OPTIONS_INVALID");
  expect(dtlsErrorCode(() => workerPlace())).toBe("DTLS_OPTIONS_INVALID");
});
