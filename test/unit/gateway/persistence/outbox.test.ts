import { EventEmitter } from "node:events";
import { copyFileSync, existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { OutgoingPacket } from "../../../../gateway/persistence/outbox.ts";
import { SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import { firstMessageId } from "../../../../gateway/persistence/session.ts";
import {
  distribute,
  openDirect,
  payloadsOf,
  publish,
  queueOf,
  SlowStore,
  settledBy,
  temporaryFile,
  turns,
} from "./harness.ts";

/** A Client as aedes has it: one for each connection. */
class Connected extends EventEmitter {
  readonly id = "sub";
  readonly conn = new EventEmitter();
  connecting = false;
}

async function queued(path: string, messages: readonly string[], qos: 1 | 2 = 1) {
  const persistence = openDirect(path);
  await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos }]);
  for (const text of messages) {
    const packet = publish(`up/${text}`, text, { qos });
    if (qos === 1) await persistence.storeInbound({ id: "dev" }, packet);
    else await persistence.incomingStorePacket({ id: "dev" }, { ...packet, messageId: Number(text) });
    await distribute(persistence, packet);
  }
  return persistence;
}

/** The packet that aedes makes of a queued one just before it writes it. */
const about = (packet: OutgoingPacket, messageId: number): OutgoingPacket => ({
  ...packet,
  messageId,
});

/** Sends the whole queue the way aedes resumes a session; returns what went out. */
async function resume(persistence: SqlitePersistence, client = new Connected(), nextId = 1) {
  const sent: OutgoingPacket[] = [];
  for await (const packet of persistence.outgoingStream(client)) {
    const outgoing = about(packet, packet.messageId ?? nextId++);
    await persistence.outgoingUpdate(client, outgoing);
    sent.push(outgoing);
  }
  return sent;
}

describe("re-delivery", () => {
  test("MQTT-4.4.0-1, MQTT-3.3.1-1: same identifier and DUP after a restart, in order, new ones without DUP", async () => {
    const path = temporaryFile();
    const before = await queued(path, ["1", "2", "3"]);
    const client = new Connected();
    const first = await resume(before, client);
    expect(first.map((p) => p.dup)).toEqual([false, false, false]);
    await before.outgoingClearMessageId(client, { messageId: first[1]?.messageId });
    await before.destroy();

    const after = openDirect(path);
    const packet = publish("up/4", "4");
    await after.storeInbound({ id: "dev" }, packet);
    await distribute(after, packet);
    const second = await resume(after);
    expect(second.map((p) => [p.payload.toString(), p.messageId, p.dup])).toEqual([
      ["1", first[0]?.messageId, true],
      ["3", first[2]?.messageId, true],
      ["4", expect.any(Number), false],
    ]);
    expect(new Set(second.map((p) => p.messageId)).size).toBe(3);
    await after.destroy();
  });

  test("the identifier survives even when the process forgot that it was used", async () => {
    const path = temporaryFile();
    const before = await queued(path, ["1"], 2);
    // The file as it was before the sending was noted.
    const copy = openCopy(path);
    const [sent] = await resume(before);
    const [again] = await resume(copy);
    expect(again?.messageId).toBe(sent?.messageId);
    await before.destroy();
    await copy.destroy();
  });

  test("MQTT-4.3.3-1: after PUBREC what is repeated is the PUBREL, on disk before it is sent", async () => {
    const path = temporaryFile();
    const before = await queued(path, ["1"], 2);
    const [sent] = await resume(before);
    await before.outgoingUpdate(new Connected(), { ...blank, cmd: "pubrel", messageId: sent?.messageId });
    expect(before.stats()).toMatchObject({ messages: 0, bytes: 1 + 4, queued: 1 });
    await before.destroy();
    const after = openDirect(path);
    const client = new Connected();
    expect(await after.outgoingStream(client).toArray()).toEqual([
      { cmd: "pubrel", messageId: sent?.messageId },
    ]);
    await after.outgoingClearMessageId(client, { messageId: sent?.messageId });
    expect(after.stats().queued).toBe(0);
    await after.destroy();
  });

  test("MQTT-4.3.3-1: PUBREL waits for the disk, a PUBLISH does not", async () => {
    const store = new SlowStore();
    const persistence = new SqlitePersistence(store);
    const subscribed = persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 2 }]);
    await store.written();
    await subscribed;
    await distribute(persistence, publish("up/a", "1", { qos: 2 }));
    await store.written();
    const [sent] = await resume(persistence);
    const released = Promise.resolve(
      persistence.outgoingUpdate(new Connected(), { ...blank, cmd: "pubrel", messageId: sent?.messageId }),
    );
    expect(await settledBy(released)).toBe("pending");
    await store.written();
    await store.written();
    expect(await settledBy(released)).toBe("resolved");
  });

  test("an identifier not used on this connection acknowledges nothing", async () => {
    const persistence = await queued(temporaryFile(), ["1"]);
    const [sent] = await resume(persistence);
    await persistence.outgoingClearMessageId(new Connected(), { messageId: sent?.messageId });
    expect(await payloadsOf(persistence, "sub")).toEqual(["1"]);
    await persistence.destroy();
  });
});

describe("packet identifiers", () => {
  test("MQTT-2.3.1-2: identifiers of queued messages and aedes' own never meet", async () => {
    const persistence = await queued(temporaryFile(), ["1", "2"]);
    const broker = new EventEmitter();
    await persistence.setup(Object.assign(broker, { id: "b" }));
    // aedes' own counter, and the way it counts.
    const counter = "_nextId";
    const client = Object.assign(new Connected(), { [counter]: 65_000 });
    broker.emit("client", client);
    const ids = new Set<number>();
    for (let i = 0; i < 70_000; i++) {
      const id = client[counter];
      ids.add(id);
      client[counter] = id >= 65_535 ? 1 : id + 1;
    }
    expect([Math.min(...[...ids].slice(0, 100)) >= 1, [...ids].some((id) => id >= firstMessageId)]).toEqual([
      true,
      false,
    ]);
    expect(ids.size).toBe(firstMessageId - 1);
    expect((await resume(persistence)).every((p) => (p.messageId ?? 0) >= firstMessageId)).toBe(true);
    await persistence.destroy();
  });

  test("one in use is skipped when the numbers come round", async () => {
    const { Session } = await import("../../../../gateway/persistence/session.ts");
    const session = new Session("s");
    const message = { id: 1, topic: "t", payload: "", qos: 1 as const, bytes: 1, references: 1 };
    const rest = { qos: 1 as const, message, sent: false, pending: false };
    const none = {
      brokerId: undefined,
      brokerCounter: undefined,
      connection: undefined,
      resuming: undefined,
    };
    session.add({ seq: 1, messageId: firstMessageId, ...rest, ...none });
    session.add({ seq: 2, messageId: 0xffff, ...rest, ...none });
    expect(session.unusedMessageId()).toBe(firstMessageId + 1);
  });
});

describe("a message published while its receiver resumes", () => {
  test("MQTT-4.6.0-6: waits until what was queued before it has been sent", async () => {
    const persistence = await queued(temporaryFile(), ["1"]);
    const client = new Connected();
    client.connecting = true;
    const stream = persistence.outgoingStream(client);
    const packet = publish("up/2", "2");
    await persistence.storeInbound({ id: "dev" }, packet);
    const live = about(await distribute(persistence, packet), 17);
    const written = Promise.resolve(persistence.outgoingUpdate(client, live));
    expect(await settledBy(written)).toBe("pending");
    expect((await stream.toArray()).map((p) => p.payload.toString())).toEqual(["1"]);
    client.emit("connected");
    await written;
    expect(live.dup).toBe(false);
    await persistence.destroy();
  });

  test("is not left waiting when the connection ends instead", async () => {
    const persistence = await queued(temporaryFile(), []);
    const client = new Connected();
    client.connecting = true;
    const packet = publish("up/2", "2");
    await persistence.storeInbound({ id: "dev" }, packet);
    const written = persistence.outgoingUpdate(client, about(await distribute(persistence, packet), 17));
    client.conn.emit("close");
    expect(await settledBy(Promise.resolve(written))).toBe("resolved");
    await persistence.destroy();
  });

  test("is sent by one of the two ways, or becomes a re-delivery with the same identifier", async () => {
    const persistence = await queued(temporaryFile(), []);
    const packet = publish("up/1", "1");
    await persistence.storeInbound({ id: "dev" }, packet);
    const live = await distribute(persistence, packet);
    const client = new Connected();
    const [resumed] = await resume(persistence, client);
    const second = about(live, 17);
    await persistence.outgoingUpdate(client, second);
    expect([second.messageId, second.dup]).toEqual([resumed?.messageId, true]);
    expect(await resume(persistence, client)).toEqual([]);
    await persistence.destroy();
  });
});

describe("subscriptions that overlap", () => {
  test("MQTT-3.3.5-1: one queue entry, at the highest granted QoS", async () => {
    const persistence = openDirect(temporaryFile());
    const topics = [
      { topic: "up/#", qos: 1 as const },
      { topic: "up/a", qos: 2 as const },
    ];
    await persistence.addSubscriptions({ id: "sub" }, topics);
    const packet = publish("up/a", "1", { qos: 2, messageId: 1 });
    await persistence.incomingStorePacket({ id: "dev" }, packet);
    await distribute(persistence, packet);
    expect((await queueOf(persistence, "sub")).map((p) => p.qos)).toEqual([2]);
    await persistence.destroy();
  });

  test("aedes' word that the second match is not delivered does not remove the first's message", async () => {
    const persistence = await queued(temporaryFile(), []);
    const packet = publish("up/1", "1");
    await persistence.storeInbound({ id: "dev" }, packet);
    const live = await distribute(persistence, packet);
    const client = new Connected();
    setImmediate(() => void persistence.outgoingUpdate(client, about(live, 5)));
    await persistence.outgoingClearMessageId(client, live);
    await turns();
    expect(await payloadsOf(persistence, "sub")).toEqual(["1"]);
    await persistence.destroy();
  });

  test("a message that may not be delivered after all leaves the queue", async () => {
    const persistence = await queued(temporaryFile(), []);
    const packet = publish("up/1", "1");
    await persistence.storeInbound({ id: "dev" }, packet);
    const live = await distribute(persistence, packet);
    await persistence.outgoingClearMessageId(new Connected(), live);
    await turns();
    expect(await payloadsOf(persistence, "sub")).toEqual([]);
    await persistence.destroy();
  });
});

test("MQTT-3.8.4-6, MQTT-3.3.1-9: delivered at the lower QoS and without RETAIN", async () => {
  const persistence = await queued(temporaryFile(), []);
  const packet = publish("up/a", "1", { qos: 2, retain: true, messageId: 1 });
  await persistence.incomingStorePacket({ id: "dev" }, packet);
  const live = about(await distribute(persistence, packet), 9);
  const [stored] = await queueOf(persistence, "sub");
  expect([stored?.qos, stored?.retain]).toEqual([1, false]);
  await persistence.outgoingUpdate(new Connected(), live);
  expect(live.qos).toBe(1);
  await persistence.destroy();
});

test.each([
  ["$SYS/x", 0],
  ["up/x", 1],
])("MQTT-4.7.2-1: a leading wildcard and %s: %d messages", async (topic, count) => {
  const persistence = openDirect(temporaryFile());
  await persistence.addSubscriptions({ id: "sub" }, [{ topic: "#", qos: 1 }]);
  await persistence.storeInbound({ id: "dev" }, publish(topic, "1"));
  expect(persistence.stats().queued).toBe(count);
  await persistence.destroy();
});

const blank = { topic: "", payload: "", qos: 0 as const };

/** A second persistence on a copy of the file as it is now. */
function openCopy(path: string) {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
  return openDirect(copy);
}

describe("a QoS 2 message published while its receiver resumes", () => {
  for (const done of ["released", "completed"] as const) {
    test(`MQTT-4.3.3: what the resumption delivered and the receiver ${done} is not delivered again`, async () => {
      const persistence = openDirect(temporaryFile());
      await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 2 }]);
      const packet = publish("up/1", "1", { qos: 2 });
      await persistence.incomingStorePacket({ id: "dev" }, { ...packet, messageId: 1 });
      // The resumption is quicker than the publication.
      const client = new Connected();
      client.connecting = true;
      const [first] = await resume(persistence, client);
      expect(first).toMatchObject({ cmd: "publish", qos: 2 });
      const messageId = first?.messageId;
      await persistence.outgoingUpdate(client, { ...packet, cmd: "pubrel", messageId });
      if (done === "completed") await persistence.outgoingClearMessageId(client, { messageId });
      const numbered = { ...packet, brokerId: "broker", brokerCounter: 7 };
      await persistence.outgoingEnqueueCombi([{ clientId: "sub", qos: 2 }], numbered);
      const live = { ...numbered, cmd: "publish", messageId: 5 };
      await persistence.outgoingUpdate(client, live);
      expect(live).toMatchObject({ cmd: "pubrel", messageId });
      await persistence.destroy();
    });
  }
});
