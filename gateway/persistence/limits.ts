/** What the store may grow to. Everything here is filled by peers. Bytes count payload and topic. */
export interface PersistenceLimits {
  /** Sessions with stored state. */
  readonly sessions: number;
  /** Those of one device, by whatever client ids. */
  readonly sessionsPerDevice: number;
  readonly subscriptionsPerSession: number;
  /** Messages waiting for one session, and their bytes. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Bytes of all queued messages together; a message for many sessions counts once. */
  readonly totalBytes: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  /** Retained messages of one publisher, so that one device cannot take the room of the others. */
  readonly retainedPerPublisher: number;
  /** QoS 2 messages of one client between PUBREC and PUBREL. */
  readonly inboundPerSession: number;
  /** Payload of one message. */
  readonly messageBytes: number;
}

export const defaultPersistenceLimits: PersistenceLimits = {
  sessions: 100_000,
  sessionsPerDevice: 100,
  subscriptionsPerSession: 256,
  queuedMessages: 10_000,
  queuedBytes: 16 * 2 ** 20,
  totalBytes: 256 * 2 ** 20,
  retainedMessages: 20_000,
  retainedBytes: 64 * 2 ** 20,
  retainedPerPublisher: 1000,
  inboundPerSession: 1000,
  messageBytes: 2 ** 20,
};

/** A message that a full queue did not take. It was acknowledged to its publisher: this is the trace of its loss. */
export interface Overflow {
  readonly kind: "session" | "total" | "retained";
  /** The session that will not get it, or the publisher of a retained message. */
  readonly clientId: string;
  readonly topic: string;
  readonly bytes: number;
}
