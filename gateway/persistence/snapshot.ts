import type { Payload } from "./payload.ts";
import type { BrokerState } from "./state.ts";

/** Everything that a restart brings back, in comparable form. */
export function snapshotOf(state: BrokerState): object {
  const sessions = [...state.sessions.values()].map((session) => ({
    id: session.id,
    subscriptions: [...session.subscriptions.values()],
    queue: [...session.queue.values()].map(({ seq, qos, message, messageId, sent }) => {
      const content = message && { topic: message.topic, payload: hex(message.payload) };
      return { seq, qos, messageId, sent, content };
    }),
    inbound: [...session.inbound.keys()].toSorted((a, b) => a - b),
  }));
  return {
    sessions: sessions.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    retained: state.retained.snapshot().map(withHexPayload),
    wills: state.wills.all().map(withHexPayload),
    messages: state.stats.messages,
  };
}

function withHexPayload<P extends { readonly payload: Payload }>(packet: P) {
  return { ...packet, payload: hex(packet.payload) };
}

function hex(payload: Payload): string {
  return Buffer.from(payload).toString("hex");
}
