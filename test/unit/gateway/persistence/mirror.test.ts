import { rmSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SqlitePersistence } from "../../../../gateway/persistence/persistence.ts";
import { distribute, openDirect, publish, queueOf, refusalOf, temporaryFile, turns } from "./harness.ts";

const client = fc.constantFrom("a", "b", "c/1", "__proto__");
const filter = fc.constantFrom("x/#", "x/1", "+/1", "#", "x/+/y");
const topic = fc.constantFrom("x/1", "x/2", "x/1/y", "other", "$SYS/1");
const qos = fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2);
const text = fc.constantFrom("", "one", "two", "three is longer than the others");
const messageId = fc.integer({ min: 1, max: 3 });

/** Every kind of change, small ranges so that they meet. */
const operation = fc.oneof(
  fc.record({ does: fc.constant("subscribe" as const), client, filter, qos }),
  fc.record({ does: fc.constant("unsubscribe" as const), client, filter }),
  fc.record({
    does: fc.constant("publish" as const),
    client,
    topic,
    qos,
    text,
    messageId,
    retain: fc.boolean(),
  }),
  fc.record({ does: fc.constant("pubrel" as const), client, messageId }),
  fc.record({ does: fc.constant("deliver" as const), client }),
  fc.record({ does: fc.constant("pubrec" as const), client }),
  fc.record({ does: fc.constant("acknowledge" as const), client }),
  fc.record({ does: fc.constant("clean" as const), client }),
  fc.record({ does: fc.constant("will" as const), client, topic, text }),
  fc.record({ does: fc.constant("noWill" as const), client }),
  fc.record({ does: fc.constant("purge" as const), client }),
  fc.record({ does: fc.constant("purgeRetained" as const), client }),
);
type Change = typeof operation extends fc.Arbitrary<infer T> ? T : never;

test("after any history a restart brings back exactly what was in memory", { timeout: 60_000 }, async () => {
  const path = temporaryFile();
  const limits = { queuedMessages: 4, totalBytes: 150, retainedPerPublisher: 2 };
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 60 }), async (history) => {
      for (const name of [path, `${path}-wal`]) rmSync(name, { force: true });
      let persistence = openDirect(path, { limits });
      for (const change of history) await apply(persistence, change);
      await persistence.flush();
      await turns();
      const inMemory = persistence.snapshot();
      await persistence.destroy();
      persistence = openDirect(path, { limits });
      const reloaded = persistence.snapshot();
      await persistence.destroy();
      expect(reloaded).toEqual(inMemory);
    }),
    { numRuns: 150 },
  );
});

async function apply(persistence: SqlitePersistence, change: Change): Promise<void> {
  const self = { id: change.client };
  switch (change.does) {
    case "subscribe":
      return persistence.addSubscriptions(self, [{ topic: change.filter, qos: change.qos }]);
    case "unsubscribe":
      return persistence.removeSubscriptions(self, [change.filter]);
    case "publish": {
      const packet = publish(change.topic, change.text, change);
      const stored =
        change.qos === 2
          ? persistence.incomingStorePacket(self, packet)
          : persistence.storeInbound(self, packet);
      if ((await refusalOf(stored)) === undefined) await distribute(persistence, packet);
      return;
    }
    case "pubrel":
      // An unknown identifier, like a bound, is part of the histories.
      await refusalOf(persistence.incomingDelPacket(self, change));
      return;
    case "deliver":
      for (const packet of await queueOf(persistence, change.client)) {
        if (packet.cmd === "publish") {
          await persistence.outgoingUpdate(self, {
            ...packet,
            messageId: packet.messageId ?? packet.brokerCounter,
          });
        }
      }
      return;
    case "pubrec": {
      const sent = (await queueOf(persistence, change.client)).find(
        (p) => p.cmd === "publish" && p.messageId,
      );
      if (sent !== undefined) await persistence.outgoingUpdate(self, { ...sent, cmd: "pubrel" });
      return;
    }
    case "acknowledge": {
      const [first] = await queueOf(persistence, change.client);
      if (first !== undefined) await persistence.outgoingClearMessageId(self, first);
      return;
    }
    case "clean":
      await persistence.cleanSubscriptions(self);
      return persistence.cleanIncoming(self);
    case "will":
      return persistence.putWill(self, {
        topic: change.topic,
        payload: Buffer.from(change.text),
        qos: 1,
        retain: false,
      });
    case "noWill":
      return persistence.deleteWill(change.client);
    case "purge":
      return persistence.purgeSession(change.client);
    case "purgeRetained":
      await persistence.purgeRetainedFrom(change.client);
      return;
  }
}
