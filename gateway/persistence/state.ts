import { GatewayError } from "../errors.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Overflow, PersistenceLimits } from "./limits.ts";
import type { StoredContents, Value } from "./operations.ts";
import { asPayload, ownCopy, sizeOf } from "./payload.ts";
import { Retained } from "./retained.ts";
import {
  type Entry,
  type Inbound,
  largestQueue,
  type Message,
  type NewMessage,
  type QoS,
  Session,
  type SubscriptionRecord,
} from "./session.ts";
import { SessionTable } from "./session-table.ts";
import { SubscriptionIndex } from "./subscription-index.ts";
import { Wills } from "./wills.ts";

/**
 * The broker's state in memory, from which every question is answered. Each change is made here and appended to the
 * log in one go, so that the order of the log is the order of the changes.
 */
export class BrokerState {
  readonly retained: Retained;
  readonly subscriptions = new SubscriptionIndex();
  readonly wills: Wills;
  readonly sessions = new SessionTable();
  readonly #log: Pick<CommitLog, "append">;
  readonly #limits: PersistenceLimits;
  readonly #onOverflow: (overflow: Overflow) => void;
  #next = 1;
  #bytes = 0;
  #messages = 0;
  #overflows = 0;

  constructor(
    contents: StoredContents,
    log: Pick<CommitLog, "append">,
    limits: PersistenceLimits,
    onOverflow: (overflow: Overflow) => void,
  ) {
    this.#log = log;
    this.#limits = limits;
    this.#onOverflow = onOverflow;
    this.retained = new Retained(log, limits);
    this.wills = new Wills(log);
    this.#load(contents);
  }

  get stats() {
    let queued = 0;
    let inbound = 0;
    for (const session of this.sessions.values()) {
      queued += session.queue.size;
      inbound += session.inbound.size;
    }
    return {
      sessions: this.sessions.size,
      subscriptions: this.subscriptions.size,
      messages: this.#messages,
      bytes: this.#bytes,
      queued,
      inbound,
      retained: this.retained.count,
      retainedBytes: this.retained.bytes,
      wills: this.wills.count,
      overflows: this.#overflows,
    };
  }

  /** Throws GATEWAY_STATE_FULL when there is no room for another session. */
  session(id: string): Session {
    let session = this.sessions.get(id);
    if (session === undefined) {
      if (this.sessions.size >= this.#limits.sessions) {
        throw new GatewayError("GATEWAY_STATE_FULL", `${this.sessions.size} sessions are stored already`);
      }
      // One device with ever new client ids must not take the room of the others.
      if (this.sessions.ofDevice(id) >= this.#limits.sessionsPerDevice) {
        throw new GatewayError("GATEWAY_STATE_FULL", `the device of ${id} has too many stored sessions`);
      }
      session = new Session(id);
      this.sessions.set(id, session);
      this.#log.append(["putSession", id, null]);
    }
    return session;
  }

  forgetIfEmpty(session: Session): void {
    if (!session.empty || this.sessions.get(session.id) !== session) return;
    this.sessions.delete(session.id);
    this.#log.append(["dropSession", session.id]);
  }

  setOffline(id: string, since: number | undefined): void {
    const session = this.sessions.get(id);
    if (session === undefined || session.offlineSince === since) return;
    session.offlineSince = since;
    this.#log.append(["putSession", id, since ?? null]);
  }

  subscribe(session: Session, record: SubscriptionRecord): void {
    const old = session.subscriptions.get(record.topic);
    if (old !== undefined && sameSubscription(old, record)) return;
    if (old === undefined && session.subscriptions.size >= this.#limits.subscriptionsPerSession) {
      throw new GatewayError(
        "GATEWAY_STATE_FULL",
        `${session.id} has ${session.subscriptions.size} subscriptions`,
      );
    }
    this.subscriptions.delete(old);
    session.subscriptions.set(record.topic, record);
    this.subscriptions.add(record);
    this.#log.append([
      "putSubscription",
      record.clientId,
      record.topic,
      record.qos,
      numeric(record.rh),
      numeric(record.rap),
      numeric(record.nl),
      record.subscriptionIdentifier ?? null,
    ]);
  }

  unsubscribe(session: Session, topic: string): void {
    const old = session.subscriptions.get(topic);
    if (old === undefined) return;
    this.subscriptions.delete(old);
    session.subscriptions.delete(topic);
    this.#log.append(["dropSubscription", session.id, topic]);
  }

  countOffline() {
    let clientsCount = 0;
    for (const session of this.sessions.values()) if (session.subscriptions.size > 0) clientsCount++;
    return { subsCount: this.subscriptions.size, clientsCount };
  }

  /** Throws GATEWAY_STATE_FULL when the message as such cannot be taken (not when one session's queue is full). */
  admit(bytes: number): void {
    if (bytes > this.#limits.messageBytes) {
      throw new GatewayError(
        "GATEWAY_STATE_FULL",
        `a message of ${bytes} bytes is larger than may be stored`,
      );
    }
    if (this.#bytes + bytes > this.#limits.totalBytes) {
      throw new GatewayError("GATEWAY_STATE_FULL", `${this.#bytes} bytes of messages are waiting already`);
    }
  }

  /**
   * Puts one message into the queues of `targets` (client and the QoS it subscribed with). A queue that is full
   * keeps what it has, whose delivery was promised first, and the new message is reported instead.
   */
  enqueue(
    packet: NewMessage,
    targets: ReadonlyMap<string, QoS | undefined>,
    made: (session: Session, entry: Entry) => void,
  ): void {
    const bytes = sizeOf(packet);
    const id = this.#next++;
    const message: Message = { ...packet, payload: ownCopy(packet.payload), id, bytes, references: 0 };
    for (const [clientId, granted] of targets) {
      const session = this.#room(clientId, message);
      if (session === undefined) continue;
      if (message.references++ === 0) this.#keep(message);
      // MQTT-3.8.4-6: delivered at the lower of the published and the granted QoS.
      const qos = granted === undefined || granted > packet.qos ? packet.qos : granted;
      const seq = this.#next++;
      const messageId = session.unusedMessageId();
      const entry = { ...freshEntry, seq, qos, message, messageId };
      session.add(entry);
      this.#log.append(["enqueue", clientId, seq, id, qos, messageId]);
      made(session, entry);
    }
  }

  markSent(session: Session, entry: Entry, messageId: number): void {
    if (entry.sent && entry.messageId === messageId) return;
    entry.sent = true;
    session.identify(entry, messageId);
    this.#log.append(["markSent", messageId, session.id, entry.seq]);
  }

  markReleased(session: Session, entry: Entry): void {
    if (entry.message === undefined) return;
    this.#dereference(session.release(entry));
    this.#log.append(["markReleased", session.id, entry.seq]);
  }

  dequeue(session: Session, entry: Entry): void {
    session.delete(entry);
    this.#log.append(["dequeue", session.id, entry.seq]);
    this.#dereference(entry.message);
    this.forgetIfEmpty(session);
  }

  /** A QoS 2 message is here until its PUBREL; `clean`: until its connection ends, at the latest. */
  putInbound(session: Session, inbound: Inbound, clean: boolean): void {
    session.inbound.set(inbound.messageId, inbound);
    session.inboundBytes += inbound.bytes;
    this.#bytes += inbound.bytes;
    this.#log.append(["putInbound", session.id, inbound.messageId, Number(clean)]);
  }

  dropInbound(session: Session, inbound: Inbound): void {
    inbound.removed = true;
    session.inboundBytes -= inbound.bytes;
    this.#bytes -= inbound.bytes;
    this.#log.append(["dropInbound", session.id, inbound.messageId]);
  }

  /** Ends a session's subscriptions and empties its queue. */
  clearOutgoing(session: Session): void {
    for (const topic of session.subscriptions.keys()) this.unsubscribe(session, topic);
    for (const entry of session.queue.values()) this.dequeue(session, entry);
    this.forgetIfEmpty(session);
  }

  #room(clientId: string, message: Message): Session | undefined {
    const session = this.sessions.get(clientId);
    const full =
      session === undefined
        ? this.sessions.size >= this.#limits.sessions ||
          this.sessions.ofDevice(clientId) >= this.#limits.sessionsPerDevice
        : session.queue.size >= Math.min(this.#limits.queuedMessages, largestQueue) ||
          session.bytes + message.bytes > this.#limits.queuedBytes;
    const overfull =
      message.references === 0 &&
      (this.#bytes + message.bytes > this.#limits.totalBytes || message.bytes > this.#limits.messageBytes);
    if (!full && !overfull) return session ?? this.session(clientId);
    this.overflow({
      kind: overfull ? "total" : "session",
      clientId,
      topic: message.topic,
      bytes: message.bytes,
    });
    return undefined;
  }

  overflow(overflow: Overflow): void {
    this.#overflows++;
    this.#onOverflow(overflow);
  }

  #keep(message: Message): void {
    this.#bytes += message.bytes;
    this.#messages++;
    this.#log.append(["putMessage", message.id, message.topic, message.payload, message.qos]);
  }

  #dereference(message: Message | undefined): void {
    if (message === undefined || --message.references > 0) return;
    this.#bytes -= message.bytes;
    this.#messages--;
    this.#log.append(["dropMessage", message.id]);
  }

  #load(contents: StoredContents): void {
    const session = (id: string) => {
      const found = this.sessions.get(id) ?? new Session(id);
      this.sessions.set(id, found);
      return found;
    };
    for (const row of contents.sessions) session(row.client).offlineSince = row.offline_since ?? undefined;
    for (const row of contents.subscriptions) {
      const flags = { rh: row.rh ?? undefined, rap: boolean(row.rap), nl: boolean(row.nl) };
      const identifier = row.identifier === null ? {} : { subscriptionIdentifier: row.identifier };
      const record = { clientId: row.client, topic: row.topic, qos: row.qos, ...flags, ...identifier };
      session(row.client).subscriptions.set(row.topic, record);
      this.subscriptions.add(record);
    }
    const messages = new Map<number, Message>();
    for (const row of contents.messages) {
      const packet = { topic: row.topic, payload: asPayload(row.payload), qos: row.qos };
      messages.set(row.id, { ...packet, id: row.id, bytes: sizeOf(packet), references: 0 });
      this.#next = Math.max(this.#next, row.id + 1);
    }
    for (const row of contents.queue) {
      const message = row.message === null ? undefined : messages.get(row.message);
      if (message === undefined && row.released === 0) {
        throw new GatewayError("GATEWAY_STATE_CORRUPT", `queue entry ${row.seq} has lost its message`);
      }
      if (message !== undefined) message.references++;
      const entry = { ...freshEntry, seq: row.seq, qos: row.qos, message, messageId: row.message_id };
      session(row.client).add({ ...entry, sent: row.sent === 1, pending: false });
      this.#next = Math.max(this.#next, row.seq + 1);
    }
    for (const message of messages.values()) {
      this.#bytes += message.bytes;
      this.#messages++;
      // Cannot happen (entry and message go in one transaction), and would never be freed if it did.
      if (message.references++ === 0) this.#dereference(message);
      else message.references--;
    }
    for (const row of contents.inbound) {
      const rest = { topic: "", payload: Buffer.alloc(0), retain: false, bytes: 0 };
      session(row.client).inbound.set(row.message_id, {
        messageId: row.message_id,
        ...rest,
        durable: undefined,
        removed: false,
      });
    }
    this.retained.load(contents.retained);
    this.wills.load(contents.wills);
  }
}

const freshEntry = {
  sent: false,
  brokerId: undefined,
  brokerCounter: undefined,
  connection: undefined,
  resuming: undefined,
  pending: true,
} as const;

function sameSubscription(a: SubscriptionRecord, b: SubscriptionRecord): boolean {
  return (
    a.qos === b.qos &&
    a.rh === b.rh &&
    a.rap === b.rap &&
    a.nl === b.nl &&
    a.subscriptionIdentifier === b.subscriptionIdentifier
  );
}

function numeric(flag: boolean | number | undefined): Value {
  return flag === undefined ? null : Number(flag);
}

function boolean(stored: number | null): boolean | undefined {
  return stored === null ? undefined : stored === 1;
}
