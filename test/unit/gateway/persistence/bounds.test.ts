import { describe, expect, test } from "vitest";
import type { Overflow } from "../../../../gateway/persistence/limits.ts";
import { distribute, openDirect, payloadsOf, publish, queueOf, temporaryFile } from "./harness.ts";

const device = { id: "dev" };

async function limited(limits: object) {
  const overflows: Overflow[] = [];
  const persistence = openDirect(temporaryFile(), {
    limits,
    onOverflow: (overflow) => overflows.push(overflow),
  });
  await persistence.addSubscriptions({ id: "sub" }, [{ topic: "up/#", qos: 1 }]);
  const send = async (text: string, rest = {}) => {
    const packet = publish(`up/${text}`, text, rest);
    await persistence.storeInbound(device, packet);
    return distribute(persistence, packet);
  };
  return { persistence, overflows, send };
}

describe("a full queue", () => {
  test.each([
    ["messages", { queuedMessages: 2 }],
    ["bytes", { queuedBytes: 2 * "up/11".length }],
  ])(
    "(%s) keeps what it promised first; what it cannot take is reported, and the others still get it",
    async (_, limits) => {
      const { persistence, overflows, send } = await limited(limits);
      await send("1");
      await send("2");
      await persistence.addSubscriptions({ id: "other" }, [{ topic: "up/#", qos: 1 }]);
      const refused = await send("3");
      expect(await payloadsOf(persistence, "sub")).toEqual(["1", "2"]);
      expect(await payloadsOf(persistence, "other")).toEqual(["3"]);
      expect(overflows).toEqual([{ kind: "session", clientId: "sub", topic: "up/3", bytes: 5 }]);
      expect(persistence.stats().overflows).toBe(1);
      // The live delivery that aedes still attempts must not end the connection.
      await persistence.outgoingUpdate({ id: "sub" }, { ...refused, messageId: 5 });
      // Room again:
      const [first] = await queueOf(persistence, "sub");
      if (first === undefined) throw new Error("unreachable: an empty queue");
      await persistence.outgoingUpdate({ id: "sub" }, { ...first, messageId: 1 });
      await persistence.outgoingClearMessageId({ id: "sub" }, { messageId: 1 });
      await send("4");
      expect(await payloadsOf(persistence, "sub")).toEqual(["2", "4"]);
      await persistence.destroy();
    },
  );

  test("all queues together: the message is refused, not acknowledged", async () => {
    const { persistence, send } = await limited({ totalBytes: 10 });
    await send("1");
    await send("2");
    await expect(send("3")).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
    expect(await payloadsOf(persistence, "sub")).toEqual(["1", "2"]);
    await persistence.destroy();
  });

  test("a message for many sessions counts once", async () => {
    const { persistence, send } = await limited({});
    await persistence.addSubscriptions({ id: "other" }, [{ topic: "up/#", qos: 1 }]);
    await send("1");
    expect(persistence.stats()).toMatchObject({ messages: 1, queued: 2, bytes: 5 });
    await persistence.destroy();
  });
});

test("a message that is too large is refused, or reported where nobody waits for an answer", async () => {
  const { persistence, overflows, send } = await limited({ messageBytes: 10 });
  await expect(send("0123456789")).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
  await distribute(persistence, publish("up/will", "0123456789"));
  expect(overflows).toMatchObject([{ kind: "total", clientId: "sub" }]);
  await persistence.destroy();
});

describe("retained messages", () => {
  test.each([
    ["number", { retainedMessages: 2 }, "dev-2"],
    ["bytes", { retainedBytes: 8 }, "dev-2"],
    ["number of one publisher", { retainedPerPublisher: 2 }, "dev"],
  ])("are bounded: %s", async (_, limits, publisher) => {
    const { persistence, overflows } = await limited(limits);
    const retain = async (topic: string, text: string, id = "dev") => {
      const packet = publish(topic, text, { retain: true });
      await persistence.storeInbound({ id }, packet);
      await distribute(persistence, packet);
    };
    await retain("a/1", "1");
    await retain("a/2", "2");
    await retain("a/2", "3");
    await expect(retain("a/3", "1", publisher)).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
    // QoS 0, for which nobody waits:
    const packet = publish("a/3", "1", { retain: true, qos: 0 });
    await persistence.storeInbound({ id: publisher }, packet);
    await distribute(persistence, packet);
    expect(overflows).toMatchObject([{ kind: "retained", clientId: publisher, topic: "a/3" }]);
    await retain("a/2", "");
    await retain("a/3", "1", publisher);
    expect(persistence.stats().retained).toBe(2);
    await persistence.destroy();
  });
});

test("sessions and their subscriptions are bounded", async () => {
  const { persistence } = await limited({ sessions: 2, subscriptionsPerSession: 2 });
  const subscribe = (id: string, ...topics: string[]) =>
    persistence.addSubscriptions(
      { id },
      topics.map((topic) => ({ topic, qos: 1 as const })),
    );
  await subscribe("b", "x", "y");
  await expect(subscribe("b", "z")).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
  await expect(subscribe("c", "x")).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
  await persistence.removeSubscriptions({ id: "b" }, ["x", "y"]);
  await subscribe("c", "x");
  await persistence.destroy();
});

test("the stored sessions of one device are bounded, and take no room from another device", async () => {
  const { persistence } = await limited({ sessionsPerDevice: 2 });
  const subscribe = (id: string) => persistence.addSubscriptions({ id }, [{ topic: "x", qos: 1 }]);
  await subscribe("d1");
  await subscribe("d1/a");
  await expect(subscribe("d1/b")).rejects.toMatchObject({ code: "GATEWAY_STATE_FULL" });
  await subscribe("d10");
  await persistence.removeSubscriptions({ id: "d1/a" }, ["x"]);
  await subscribe("d1/b");
  await persistence.destroy();
});

test("a subscription that was denied is not stored with the others of its SUBSCRIBE", async () => {
  const persistence = openDirect(temporaryFile(), { maySubscribe: (_, { topic }) => topic !== "secret/#" });
  await persistence.addSubscriptions({ id: "sub" }, [
    { topic: "secret/#", qos: 1 },
    { topic: "up/#", qos: 1 },
  ]);
  await persistence.storeInbound(device, publish("secret/a", "1"));
  expect(persistence.stats()).toMatchObject({ subscriptions: 1, queued: 0 });
  await persistence.destroy();
});
