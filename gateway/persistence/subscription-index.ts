import { Qlobber } from "qlobber";
import type { QoS, SubscriptionRecord } from "./session.ts";

/** MQTT-4.7.1-3: a single-level wildcard matches an empty level too. */
const wildcards = { wildcard_one: "+", wildcard_some: "#", separator: "/", match_empty_levels: true };

/** The stored subscriptions with QoS > 0 of all sessions: those that fill queues. */
export class SubscriptionIndex {
  readonly #index = new Qlobber<SubscriptionRecord>(wildcards);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(record: SubscriptionRecord): void {
    if (record.qos === 0) return;
    this.#index.add(record.topic, record);
    this.#size++;
  }

  delete(record: SubscriptionRecord | undefined): void {
    if (record === undefined || record.qos === 0) return;
    this.#index.remove(record.topic, record);
    this.#size--;
  }

  /** Those that a message to `topic` matches, overlapping ones of one client included. */
  matching(topic: string): SubscriptionRecord[] {
    const found = this.#index.match(topic);
    // MQTT-4.7.2-1: a filter that starts with a wildcard does not match a topic that starts with $.
    return topic.startsWith("$")
      ? found.filter((record) => !record.topic.startsWith("#") && !record.topic.startsWith("+"))
      : found;
  }
}

/** One delivery for each client, at the highest QoS its matching subscriptions were granted (MQTT-3.3.5-1). */
export function highestGrant(
  subscriptions: readonly { readonly clientId: string; readonly qos?: QoS }[],
): Map<string, QoS | undefined> {
  const targets = new Map<string, QoS | undefined>();
  for (const { clientId, qos } of subscriptions) {
    const known = targets.get(clientId);
    if (!targets.has(clientId) || (qos ?? 2) > (known ?? 2)) targets.set(clientId, qos);
  }
  return targets;
}
