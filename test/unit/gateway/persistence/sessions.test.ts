import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import {
  distribute,
  openDirect,
  payloadsOf,
  publish,
  SlowStore,
  settledBy,
  temporaryFile,
} from "./harness.ts";

const day = 86_400_000;
const subscription = [{ topic: "up/#", qos: 1 as const }];

/** The events of aedes that say who is connected. */
class TestBroker extends EventEmitter {
  readonly id: string;
  constructor(id = "broker") {
    super();
    this.id = id;
  }
}

async function setUp(path: string, now: () => number, id?: string) {
  const persistence = openDirect(path, { now });
  const broker = new TestBroker(id);
  await persistence.setup(broker);
  const connect = (clientId: string) => broker.emit("client", { id: clientId });
  const leave = (clientId: string) => broker.emit("clientDisconnect", { id: clientId });
  return { persistence, connect, leave };
}

describe("sessions that nobody comes back to", () => {
  test("expire after seven days offline, with their queue; connected ones never", async () => {
    let now = 100 * day;
    const { persistence, connect, leave } = await setUp(temporaryFile(), () => now);
    for (const id of ["here", "gone"]) {
      connect(id);
      await persistence.addSubscriptions({ id }, subscription);
    }
    leave("gone");
    await persistence.storeInbound({ id: "dev" }, publish("up/a", "1"));
    now += 7 * day;
    expect(persistence.expireSessions()).toEqual([]);
    now += 1;
    expect(persistence.expireSessions()).toEqual(["gone"]);
    expect(persistence.sessionIds()).toEqual(["here"]);
    expect(persistence.stats()).toMatchObject({ queued: 1, messages: 1, subscriptions: 1 });
    await persistence.destroy();
  });

  test("are counted from their disconnection, also across restarts, and a return starts the count again", async () => {
    const path = temporaryFile();
    let now = 100 * day;
    const first = await setUp(path, () => now);
    for (const id of ["early", "late"]) {
      await first.persistence.addSubscriptions({ id }, subscription);
      first.leave(id);
    }
    now += 5 * day;
    first.connect("late");
    first.leave("late");
    await first.persistence.destroy();
    now += 3 * day;
    const second = await setUp(path, () => now);
    expect(second.persistence.sessionIds()).toEqual(["late"]);
    await second.persistence.destroy();
  });

  test("were they connected when the process died, have been offline since the restart, not since they connected", async () => {
    const path = temporaryFile();
    let now = 100 * day;
    const first = await setUp(path, () => now);
    first.connect("sub");
    await first.persistence.addSubscriptions({ id: "sub" }, subscription);
    await first.persistence.destroy();
    now += 300 * day;
    const second = await setUp(path, () => now);
    expect(second.persistence.sessionIds()).toEqual(["sub"]);
    now += 8 * day;
    expect(second.persistence.expireSessions()).toEqual(["sub"]);
    await second.persistence.destroy();
  });
});

describe("wills", () => {
  const will = () => ({ topic: "up/gone", payload: Buffer.from("gone"), qos: 1 as const, retain: true });

  test("MQTT-3.1.2-8: are on disk before CONNACK", async () => {
    const store = new SlowStore();
    const persistence = new SqlitePersistence(store);
    const stored = persistence.putWill({ id: "dev" }, will());
    expect(await settledBy(stored)).toBe("pending");
    await store.written();
    await stored;
  });

  test("of a process that died are handed to the next one, with their client; its own are not", async () => {
    const path = temporaryFile();
    const first = await setUp(path, Date.now, "first");
    await first.persistence.putWill({ id: "dev-1" }, will());
    await first.persistence.putWill({ id: "dev-2" }, will());
    await first.persistence.deleteWill("dev-2");
    await first.persistence.destroy();
    const second = await setUp(path, Date.now, "second");
    await second.persistence.putWill({ id: "dev-3" }, will());
    const orphans = second.persistence.orphanedWills();
    expect(orphans).toMatchObject([
      {
        clientId: "dev-1",
        brokerId: "first",
        topic: "up/gone",
        payload: Buffer.from("gone"),
        qos: 1,
        retain: true,
      },
    ]);
    expect(await second.persistence.streamWill({ second: 1 }).toArray()).toEqual(orphans);
    await second.persistence.destroy();
  });

  test("a will that fires is queued before it is removed: the order of the file is the order of the calls", async () => {
    const store = new SlowStore();
    const persistence = new SqlitePersistence(store);
    const ready = Promise.all([
      persistence.addSubscriptions({ id: "sub" }, subscription),
      persistence.putWill({ id: "dev" }, will()),
    ]);
    await store.written();
    await ready;
    store.transactions.length = 0;
    await distribute(persistence, { ...will(), retain: false });
    await persistence.delWill({ id: "dev" });
    await store.written();
    expect(store.transactions.flat().map(([name]) => name)).toEqual(["putMessage", "enqueue", "dropWill"]);
  });
});

describe("a device that is no longer to be there", () => {
  test("purgeSession forgets subscriptions, queue and QoS 2 identifiers, on disk too, and nobody else's", async () => {
    const path = temporaryFile();
    const before = openDirect(path);
    for (const id of ["dev-1", "dev-10"]) {
      await before.addSubscriptions({ id }, subscription);
      await before.incomingStorePacket({ id }, publish("other", "1", { qos: 2, messageId: 3 }));
    }
    await before.storeInbound({ id: "x" }, publish("up/a", "1"));
    await before.purgeSession("dev-1");
    await before.purgeSession("unknown");
    await before.destroy();
    const after = openDirect(path);
    expect(after.sessionIds()).toEqual(["dev-10"]);
    expect(after.stats()).toMatchObject({ subscriptions: 1, queued: 1, inbound: 1 });
    expect(await payloadsOf(after, "dev-10")).toEqual(["1"]);
    await after.destroy();
  });

  test("purgeRetainedFrom removes what it and client ids below it published, whatever the QoS", async () => {
    const persistence = openDirect(temporaryFile());
    for (const [id, qos] of [
      ["dev-1", 0],
      ["dev-1/b", 1],
      ["dev-10", 1],
      ["dev-1", 2],
    ] as const) {
      const packet = publish(`up/${id}/${qos}`, "on", { retain: true, qos, messageId: 1 });
      await persistence.storeInbound({ id }, packet);
      if (qos === 2) await persistence.incomingStorePacket({ id }, packet);
      await distribute(persistence, packet);
    }
    expect(persistence.publisherIds().toSorted()).toEqual(["dev-1", "dev-1/b", "dev-10"]);
    expect(await persistence.purgeRetainedFrom("dev-1")).toBe(3);
    expect(persistence.publisherIds()).toEqual(["dev-10"]);
    await persistence.destroy();
  });
});

test("MQTT-3.1.2-6: a clean session begins with nothing of the old one, durably", async () => {
  const store = new SlowStore();
  const persistence = new SqlitePersistence(store);
  const subscribed = persistence.addSubscriptions({ id: "sub" }, subscription);
  await store.written();
  await subscribed;
  const stored = persistence.storeInbound({ id: "dev" }, publish("up/a", "1"));
  await store.written();
  await stored;
  const cleaned = persistence.cleanSubscriptions({ id: "sub" });
  expect(await settledBy(cleaned)).toBe("pending");
  await store.written();
  await cleaned;
  expect(persistence.stats()).toMatchObject({ sessions: 0, messages: 0, queued: 0, bytes: 0 });
});

test("SUBACK waits for the disk", async () => {
  const store = new SlowStore();
  const persistence = new SqlitePersistence(store);
  const subscribed = persistence.addSubscriptions({ id: "sub" }, subscription);
  expect(await settledBy(subscribed)).toBe("pending");
  const removed = persistence.removeSubscriptions({ id: "sub" }, ["up/#"]);
  await store.written();
  await subscribed;
  expect(await settledBy(removed)).toBe("pending");
  await store.written();
  await removed;
});
