import { Readable } from "node:stream";
import type { Client } from "aedes";
import type { MqttConnection } from "./mqtt/connection.ts";
import type { MqttSession } from "./mqtt/session.ts";
import type { RequestedSubscription, SqlitePersistence } from "./persistence/persistence.ts";

export interface PersistenceGuards {
  readonly sessionOf: (client: Client) => MqttSession | undefined;
  /** The client whose SUBSCRIBE is being answered in this very call. */
  readonly subscriber: () => Client | undefined;
  /** May the will of a client that is no longer connected still fire? */
  readonly mayFire: (will: StoredWill) => boolean;
}

export interface StoredWill {
  readonly clientId: string;
  readonly topic: string;
  readonly retain: boolean;
}

/**
 * The persistence as Aedes is given it. Aedes hands over all filters of a SUBSCRIBE, the refused ones too, and
 * reads queued and retained messages as fast as it can write them; here only what was granted is stored, and
 * what is read out waits for the client to take it. Everything else passes through as it is.
 */
export function guardPersistence(persistence: SqlitePersistence, guards: PersistenceGuards): object {
  const guarded = {
    addSubscriptions(client: Client, subscriptions: readonly RequestedSubscription[]) {
      const session = guards.sessionOf(client);
      const granted = subscriptions.filter(({ topic }) => session?.filters.has(topic) === true);
      return persistence.addSubscriptions(client, granted);
    },

    outgoingStream(client: Client) {
      return paced(persistence.outgoingStream(client), guards.sessionOf(client)?.connection);
    },

    createRetainedStreamCombi(filters: string[]) {
      const client = guards.subscriber();
      const messages = persistence.createRetainedStreamCombi(filters);
      return paced(messages, client && guards.sessionOf(client)?.connection);
    },

    streamWill(brokers: Readonly<Record<string, unknown>>) {
      return Readable.from(
        (async function* () {
          const wills: AsyncIterable<StoredWill> = persistence.streamWill(brokers);
          for await (const will of wills) {
            if (guards.mayFire(will)) yield will;
            else await persistence.deleteWill(will.clientId);
          }
        })(),
      );
    },
  };
  return { ...methodsOf(persistence), ...guarded };
}

/** The methods as functions of their own: a spread of an instance of a class would leave them behind. */
function methodsOf(persistence: SqlitePersistence): Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(persistence);
  const methods: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const value: unknown = Reflect.get(persistence, name);
    if (name !== "constructor" && typeof value === "function") methods[name] = value.bind(persistence);
  }
  return methods;
}

function paced(messages: Readable, connection: MqttConnection | undefined): Readable {
  if (connection === undefined) return messages;
  return Readable.from(
    (async function* () {
      for await (const message of messages) {
        await connection.headroom();
        yield message;
      }
    })(),
  );
}
