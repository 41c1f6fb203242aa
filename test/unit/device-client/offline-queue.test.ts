import { expect, test } from "vitest";
import { DeviceError } from "../../../device-client/errors.ts";
import { OfflineQueue, type Outgoing, type QueueLimits } from "../../../device-client/offline-queue.ts";

interface Tracked extends Outgoing {
  settled: string[];
}

function message(name: string, size = 0): Tracked {
  const settled: string[] = [];
  return {
    topic: name,
    payload: new Uint8Array(size),
    qos: 1,
    retain: false,
    resolve: () => settled.push("resolved"),
    reject: (error) => settled.push(error.code),
    settled,
  };
}

function queueOf(limits: Partial<QueueLimits> = {}): OfflineQueue {
  return new OfflineQueue({ maxMessages: 3, maxBytes: 100, overflow: "reject", ...limits });
}

function topics(queue: OfflineQueue): string[] {
  const taken: string[] = [];
  for (let next = queue.take(); next; next = queue.take()) taken.push(next.topic);
  return taken;
}

function refusal(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof DeviceError ? error.code : "other";
  }
}

test("first in, first out", () => {
  const queue = queueOf();
  for (const name of ["a", "b", "c"]) queue.add(message(name));
  expect(topics(queue)).toEqual(["a", "b", "c"]);
});

test("overflow reject: a message beyond the count is refused and changes nothing", () => {
  const queue = queueOf();
  for (const name of ["a", "b", "c"]) queue.add(message(name));
  expect(refusal(() => queue.add(message("d")))).toBe("DEVICE_QUEUE_FULL");
  expect(topics(queue)).toEqual(["a", "b", "c"]);
});

test("overflow reject: topics and payloads count as bytes", () => {
  const queue = queueOf();
  queue.add(message("a", 98));
  expect(queue.bytes).toBe(99);
  expect(refusal(() => queue.add(message("b", 1)))).toBe("DEVICE_QUEUE_FULL");
  queue.add(message("c", 0));
});

test("messages in flight count: a gateway that never acknowledges cannot grow the queue", () => {
  const queue = queueOf();
  for (const name of ["a", "b", "c"]) {
    queue.add(message(name));
    queue.take();
  }
  expect(refusal(() => queue.add(message("d")))).toBe("DEVICE_QUEUE_FULL");
});

test("settling gives the room back", () => {
  const queue = queueOf({ maxMessages: 1 });
  const first = message("a", 10);
  queue.add(first);
  queue.take();
  expect(queue.settle(first)).toBe(true);
  expect(queue.settle(first)).toBe(false);
  expect(queue.bytes).toBe(0);
  queue.add(message("b"));
});

test("overflow drop-oldest: the oldest waiting message makes room and is told so", () => {
  const queue = queueOf({ overflow: "drop-oldest" });
  const [a, b, c, d] = [message("a"), message("b"), message("c"), message("d")];
  for (const each of [a, b, c, d]) queue.add(each);
  expect(a.settled).toEqual(["DEVICE_QUEUE_FULL"]);
  expect(topics(queue)).toEqual(["b", "c", "d"]);
});

test("overflow drop-oldest: what is in flight is never dropped", () => {
  const queue = queueOf({ overflow: "drop-oldest", maxMessages: 1 });
  const flying = message("a");
  queue.add(flying);
  queue.take();
  expect(refusal(() => queue.add(message("b")))).toBe("DEVICE_QUEUE_FULL");
  expect(flying.settled).toEqual([]);
});

test("overflow drop-oldest: a message that could never fit empties nothing", () => {
  const queue = queueOf({ overflow: "drop-oldest" });
  const small = message("a");
  queue.add(small);
  expect(refusal(() => queue.add(message("b", 100)))).toBe("DEVICE_QUEUE_FULL");
  expect(small.settled).toEqual([]);
});

test("restored messages wait in their old order, before newer ones", () => {
  const queue = queueOf({ maxMessages: 4 });
  const [a, b, c, d] = [message("a"), message("b"), message("c"), message("d")];
  for (const each of [a, b, c]) queue.add(each);
  queue.take();
  queue.take();
  queue.add(d);
  queue.restore(b);
  queue.restore(a);
  expect(topics(queue)).toEqual(["a", "b", "c", "d"]);
});

test("rejectAll settles waiting and flying alike, once", () => {
  const queue = queueOf();
  const [a, b] = [message("a"), message("b")];
  queue.add(a);
  queue.add(b);
  queue.take();
  queue.rejectAll(() => new DeviceError("DEVICE_CLOSED", "closed"));
  expect([a.settled, b.settled]).toEqual([["DEVICE_CLOSED"], ["DEVICE_CLOSED"]]);
  expect([queue.waiting, queue.inFlight, queue.bytes]).toEqual([0, 0, 0]);
  expect(queue.settle(a)).toBe(false);
});
