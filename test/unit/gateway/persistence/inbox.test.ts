import { describe, expect, test } from "vitest";
import { SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import {
  aedesCopy,
  directStore,
  distribute,
  openDirect,
  payloadsOf,
  publish,
  queueOf,
  refusalOf,
  SlowStore,
  settledBy,
  temporaryFile,
  turns,
} from "./harness.ts";

const device = { id: "dev-1" };
const two = (rest = {}) => publish("up/a", "1", { qos: 2, messageId: 7, ...rest });

async function withSubscriber(options = {}) {
  const store = new SlowStore();
  const persistence = new SqlitePersistence(store, options);
  const subscribed = persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
  await store.written();
  await subscribed;
  store.transactions.length = 0;
  return { store, persistence };
}

describe("QoS 1: storeInbound", () => {
  test("resolves only when the message is on disk", async () => {
    const { store, persistence } = await withSubscriber();
    const stored = persistence.storeInbound(device, publish("up/a", "1"));
    expect(await settledBy(stored)).toBe("pending");
    await store.written();
    expect(await settledBy(stored)).toBe("resolved");
    expect(store.transactions.flat().map(([name]) => name)).toEqual(["putMessage", "enqueue"]);
  });

  test("writes nothing and waits for nothing when no stored session would get it", async () => {
    const { store, persistence } = await withSubscriber();
    expect(await settledBy(persistence.storeInbound(device, publish("other", "1")))).toBe("resolved");
    expect(store.transactions).toEqual([]);
  });

  test("MQTT-4.6.0-2: an acknowledgement that waits for no disk still follows the client's earlier ones", async () => {
    const { store, persistence } = await withSubscriber();
    const first = persistence.storeInbound(device, publish("up/a", "1"));
    const second = persistence.storeInbound(device, publish("other", "2"));
    const stranger = persistence.storeInbound({ id: "dev-2" }, publish("other", "3"));
    expect(await settledBy(stranger)).toBe("resolved");
    expect(await settledBy(second)).toBe("pending");
    await store.written();
    await Promise.all([first, second]);
  });

  test.each([["text"], [""]])(
    "aedes' request to store the same packet (payload %j) stores it no second time",
    async (payload) => {
      const persistence = openDirect(temporaryFile());
      await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
      const packet = publish("up/a", payload, { payload: Buffer.alloc(0), retain: payload !== "" });
      if (payload !== "") packet.payload = Buffer.from(payload);
      await persistence.storeInbound(device, packet);
      const copy = aedesCopy(packet);
      await persistence.storeRetained(copy);
      await persistence.outgoingEnqueueCombi(await persistence.subscriptionsByTopic("up/a"), copy);
      expect(await payloadsOf(persistence, "sub")).toEqual([payload]);
      expect(persistence.stats()).toMatchObject({ messages: 1, queued: 1, retained: payload === "" ? 0 : 1 });
      await persistence.destroy();
    },
  );

  test("two packets of the same content, even of the same payload object, are two messages", async () => {
    const persistence = openDirect(temporaryFile());
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    const packet = publish("up/a", "same");
    await persistence.storeInbound(device, packet);
    await distribute(persistence, packet);
    await distribute(persistence, packet);
    await persistence.storeInbound(device, packet);
    await distribute(persistence, packet);
    expect(await payloadsOf(persistence, "sub")).toEqual(["same", "same", "same"]);
    await persistence.destroy();
  });

  test("a retained message is written once, however often it is handed in", async () => {
    const { store, persistence } = await withSubscriber();
    const packet = publish("state", "on", { retain: true });
    const stored = persistence.storeInbound(device, packet);
    await store.written();
    await stored;
    await distribute(persistence, packet);
    await turns();
    expect(store.transactions.flat().map(([name]) => name)).toEqual(["putRetained"]);
  });

  test("a session that subscribes between the two gets its own queue entry", async () => {
    const persistence = openDirect(temporaryFile());
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    const packet = publish("up/a", "1");
    await persistence.storeInbound(device, packet);
    await persistence.addSubscriptions({ id: "late" }, [{ topic: "up/#", qos: 1 }]);
    await distribute(persistence, packet);
    expect(await payloadsOf(persistence, "late")).toEqual(["1"]);
    expect(await payloadsOf(persistence, "sub")).toEqual(["1"]);
    await persistence.destroy();
  });

  test("MQTT-3.3.1-3: DUP of the incoming PUBLISH is not handed on", async () => {
    const { persistence } = await withSubscriber();
    const packet = publish("other", "1", { dup: true });
    await persistence.storeInbound(device, packet);
    expect(packet.dup).toBe(false);
  });

  test("keeps its own copy of the payload, not the network chunk around it", async () => {
    const persistence = openDirect(temporaryFile());
    await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
    const chunk = Buffer.alloc(65_536, 1);
    await persistence.storeInbound(device, publish("up/a", "", { payload: chunk.subarray(10, 20) }));
    const [packet] = await queueOf(persistence, "sub");
    expect(packet?.payload.buffer.byteLength).toBe(10);
    await persistence.destroy();
  });

  test("rejects once nothing can be written any more, whether it would have written or not", async () => {
    const failures: unknown[] = [];
    const { store, persistence } = await withSubscriber({
      onFailure: (error: unknown) => failures.push(error),
    });
    const stored = refusalOf(persistence.storeInbound(device, publish("up/a", "1")));
    await store.failed("disk I/O error");
    expect(await stored).toBe("GATEWAY_STATE_FAILED");
    await expect(persistence.storeInbound(device, publish("other", "2"))).rejects.toMatchObject({
      code: "GATEWAY_STATE_FAILED",
    });
    expect(failures).toHaveLength(1);
    expect(persistence.failure?.code).toBe("GATEWAY_STATE_FAILED");
  });
});

describe("QoS 2: incomingStorePacket", () => {
  test("MQTT-4.3.3-2: identifier, message, queue and retained message are one transaction", async () => {
    const { store, persistence } = await withSubscriber();
    const stored = persistence.incomingStorePacket(device, two({ retain: true }));
    await store.written();
    await stored;
    expect(store.transactions).toHaveLength(1);
    expect(store.transactions[0]?.map(([name]) => name)).toEqual(
      expect.arrayContaining(["putInbound", "putMessage", "enqueue", "putRetained"]),
    );
  });

  test("a writer that dies in the middle leaves all of it or nothing", async () => {
    const path = temporaryFile();
    const before = openDirect(path);
    await before.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 2 }]);
    await before.destroy();
    // The last operation of the transaction is refused by the database.
    const store = directStore(path);
    const broken = new SqlitePersistence({
      ...store,
      apply: (operations) => store.apply([...operations, ["putMessage", "no number", "", "", 0]]),
    });
    await expect(broken.incomingStorePacket(device, two({ retain: true }))).rejects.toMatchObject({
      code: "GATEWAY_STATE_FAILED",
    });
    await store.close();
    const after = openDirect(path);
    expect(after.stats()).toMatchObject({ messages: 0, queued: 0, inbound: 0, retained: 0 });
    await after.destroy();
  });

  test("a repetition is not answered before the first is on disk", async () => {
    const { store, persistence } = await withSubscriber();
    const stored = persistence.incomingStorePacket(device, two());
    const known = persistence.incomingGetPacket(device, { messageId: 7 });
    expect(await settledBy(known)).toBe("pending");
    await store.written();
    await stored;
    expect(await known).toMatchObject({ messageId: 7 });
  });

  test("a PUBLISH repeated within one network chunk is not stored twice", async () => {
    const { store, persistence } = await withSubscriber();
    const stored = persistence.incomingStorePacket(device, two());
    await expect(persistence.incomingStorePacket(device, two())).rejects.toThrow("being stored");
    await store.written();
    await stored;
    expect(persistence.stats()).toMatchObject({ queued: 1, inbound: 1 });
  });

  test("PUBCOMP waits until the identifier is gone from the disk, a repeated PUBREL too", async () => {
    const { store, persistence } = await withSubscriber();
    const stored = persistence.incomingStorePacket(device, two());
    await store.written();
    await stored;
    const removed = persistence.incomingDelPacket(device, { messageId: 7 });
    const repeated = persistence.incomingGetPacket(device, { messageId: 7 });
    const refused = refusalOf(repeated);
    expect(await settledBy(removed)).toBe("pending");
    expect(await settledBy(repeated)).toBe("pending");
    await store.written();
    await removed;
    expect(await refused).toBe("no such packet");
  });

  test("after a restart the identifier is still known and the message still queued", async () => {
    const path = temporaryFile();
    const before = openDirect(path);
    await before.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 2 }]);
    await before.incomingStorePacket(device, two());
    // Killed here, before PUBREC: aedes has published nothing.
    await before.destroy();
    const after = openDirect(path);
    await expect(after.incomingGetPacket(device, { messageId: 7 })).resolves.toBeDefined();
    expect(await payloadsOf(after, "sub")).toEqual(["1"]);
    await after.destroy();
  });

  test("MQTT-3.1.2-6: identifiers of a clean session do not outlive the process", async () => {
    const path = temporaryFile();
    const before = openDirect(path);
    await before.incomingStorePacket({ ...device, clean: true }, two());
    await before.incomingStorePacket({ id: "kept", clean: false }, two());
    await before.destroy();
    const after = openDirect(path);
    await expect(after.incomingGetPacket(device, { messageId: 7 })).rejects.toThrow("no such packet");
    await expect(after.incomingGetPacket({ id: "kept" }, { messageId: 7 })).resolves.toBeDefined();
    expect(after.sessionIds()).toEqual(["kept"]);
    await after.destroy();
  });

  test("messages without PUBREL are bounded, in number and in bytes", async () => {
    const persistence = openDirect(temporaryFile(), { limits: { inboundPerSession: 2, queuedBytes: 100 } });
    await persistence.incomingStorePacket(device, two({ messageId: 1 }));
    await persistence.incomingStorePacket(device, two({ messageId: 2 }));
    const third = persistence.incomingStorePacket(device, two({ messageId: 3 }));
    await expect(third).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
    const large = two({ payload: Buffer.alloc(200) });
    await expect(persistence.incomingStorePacket({ id: "b" }, large)).rejects.toMatchObject({
      code: "GATEWAY_STATE_FULL",
    });
    expect(persistence.sessionIds()).toEqual(["dev-1"]);
    await persistence.destroy();
  });
});

test("QoS 0 retained: attributed to its publisher, waits for no disk", async () => {
  const { persistence } = await withSubscriber();
  const packet = publish("state/a", "on", { qos: 0, retain: true });
  expect(await settledBy(persistence.storeInbound(device, packet))).toBe("resolved");
  await persistence.storeRetained(aedesCopy(packet));
  await turns();
  expect(persistence.snapshot()).toMatchObject({ retained: [{ topic: "state/a", publisher: "dev-1" }] });
});
