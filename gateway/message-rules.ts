import type { RefusalReason } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { MqttSession } from "./mqtt/session.ts";
import { isFilter, isTopic } from "./topics.ts";

/** The parts of PUBLISH and will packets that are judged. Aedes hands in both; only a PUBLISH has a `cmd`. */
export interface Published {
  readonly cmd?: string;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly messageId?: number | undefined;
  payload: string | Buffer;
}

/** Why a message, or a will as it is about to fire, is refused; undefined when it may go out. */
export function refusedPublish(
  session: MqttSession,
  packet: Published,
  will: boolean,
  limits: Limits,
): RefusalReason | undefined {
  if (will && session.willSuppressed) return "will_refused";
  if (session.connection.destroyed && !will) return "connection_lost";
  if (!session.rights.mayPublish(packet.topic)) {
    return isTopic(packet.topic, limits) ? "topic_denied" : "topic_malformed";
  }
  if (packet.retain && !session.rights.mayRetain) return "retain_denied";
  return undefined;
}

/** Why a topic filter is refused; undefined when it is granted. */
export function refusedSubscribe(
  session: MqttSession,
  filter: string,
  limits: Limits,
): RefusalReason | undefined {
  // The broker knows no shared subscriptions: granted, one would silently deliver nothing.
  if (filter.startsWith("$share/")) return "shared_subscription";
  if (!session.rights.maySubscribe(filter)) {
    return isFilter(filter, limits) ? "filter_denied" : "filter_malformed";
  }
  if (!session.filters.has(filter) && session.filters.size >= limits.subscriptionsPerSession) {
    return "too_many_subscriptions";
  }
  return undefined;
}
