import type { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import type { CommitLog } from "./commit-log.ts";
import type { Inbox } from "./inbox.ts";
import type { Payload } from "./payload.ts";
import { type Entry, firstMessageId, numberOf, type QoS, type Session } from "./session.ts";
import { settled } from "./settled.ts";
import type { BrokerState } from "./state.ts";
import { highestGrant } from "./subscription-index.ts";

/** An aedes Client (with a connection), or just an id. */
export interface ReceivingClient {
  readonly id: string;
  readonly conn?: EventEmitter;
  readonly connecting?: boolean;
  readonly closed?: boolean;
  once?(event: "connected", listener: () => void): unknown;
}

/** A packet that aedes is about to send, or refers to. */
export interface OutgoingPacket {
  cmd?: string;
  readonly topic: string;
  readonly payload: Payload;
  qos: QoS;
  dup?: boolean;
  messageId?: number | undefined;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
}

/** The `brokerId` of queued messages that this process has not published itself; the counter is the entry's. */
const fromStore = "stored";

/** Messages on their way out to sessions that survive their connection. */
export class Outbox {
  readonly #state: BrokerState;
  readonly #log: CommitLog;
  readonly #inbox: Inbox;
  readonly #resumptions = new WeakMap<object, Promise<void>>();
  /** Which identifier a message got that a connection was given while it resumed; no more than its queue held. */
  readonly #handedOut = new WeakMap<object, Map<string, number>>();

  constructor(state: BrokerState, log: CommitLog, inbox: Inbox) {
    this.#state = state;
    this.#log = log;
    this.#inbox = inbox;
  }

  /**
   * Not awaited: what had to be durable before its acknowledgement came through the inbox. What first comes here
   * (a will, a message of this process) is applied in order, thus before the removal of the will it came from.
   */
  enqueue(
    subscriptions: readonly { readonly clientId: string; readonly qos?: QoS }[],
    packet: OutgoingPacket,
  ): PromiseLike<void> {
    const targets = highestGrant(subscriptions);
    const { brokerId, brokerCounter = 0 } = packet;
    const stored = this.#inbox.storedAs(packet.payload);
    if (stored !== undefined && !stored.published) {
      this.#inbox.published(stored);
      for (const [session, entry] of stored.entries) {
        if (session.queue.get(entry.seq) === entry) session.number(entry, brokerId, brokerCounter);
        // A resumption was quicker than its publication, and may be over and acknowledged by now.
        if (entry.connection !== undefined) {
          this.#noteHandedOut(entry.connection, numberOf(brokerId, brokerCounter), entry.messageId);
        }
      }
      for (const clientId of stored.clients) targets.delete(clientId);
    }
    if (targets.size === 0) return settled;
    const { topic, payload, qos } = packet;
    this.#state.enqueue({ topic, payload, qos: qos ?? 0 }, targets, (session, entry) => {
      session.number(entry, brokerId, brokerCounter);
      entry.pending = false;
    });
    return settled;
  }

  /**
   * aedes is about to send `packet`, which is adjusted in place: identifier, DUP and QoS are the queue's. Not
   * awaited: if a crash forgets that it was sent, it is sent again with the same identifier.
   * For a PUBREL: resolves when durable, since a receiver that answers it forgets the identifier, and a PUBLISH
   * repeated after a crash would be a second delivery.
   */
  update(client: ReceivingClient, packet: OutgoingPacket): PromiseLike<void> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined) return settled;
    if (packet.cmd === "pubrel") {
      const entry = session.byMessageId(packet.messageId ?? 0);
      if (entry?.message === undefined) return settled;
      this.#state.markReleased(session, entry);
      return this.#log.durable();
    }
    const entry = find(session, packet);
    const { conn } = client;
    if (entry?.message === undefined) return this.#updateUnqueued(conn, packet);
    if (conn === undefined) {
      this.#state.markSent(session, entry, packet.messageId ?? entry.messageId);
      return settled;
    }
    packet.messageId = entry.messageId;
    packet.qos = entry.qos;
    // MQTT-3.3.1-1, MQTT-4.4.0-1: a re-delivery has DUP and the identifier of the first time. That includes the
    // message that was published while its receiver resumed, and so meets the same connection twice.
    packet.dup = entry.sent;
    const again = entry.connection === conn;
    entry.connection = conn;
    this.#state.markSent(session, entry, entry.messageId);
    const resuming = client.connecting === true && client.closed !== true;
    if (resuming || entry.resuming === conn) {
      this.#noteHandedOut(conn, numberOf(entry.brokerId, entry.brokerCounter), entry.messageId);
      this.#noteHandedOut(conn, numberOf(fromStore, entry.seq), entry.messageId);
    }
    if (!resuming || again || entry.resuming === conn) return settled;
    // MQTT-4.6.0-6: what is published during the resumption follows what has been waiting.
    return this.#resumption(client, conn);
  }

  /**
   * PUBACK or PUBCOMP arrived, or the message may not be sent after all. Not awaited: forgotten in a crash, the
   * message is sent once more as a re-delivery. A promise all the same: aedes asks from inside its packet parser,
   * which an answer in the same turn would re-enter.
   */
  async clear(client: ReceivingClient, packet: Partial<OutgoingPacket>): Promise<object | undefined> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined) return undefined;
    if (packet.messageId === undefined) {
      const entry = find(session, packet);
      // aedes says so of a message that it will not deliver (any more) on this connection: forbidden by now, or
      // matched by a second subscription. In the second case the first one's delivery is already scheduled.
      if (entry !== undefined) {
        setImmediate(() => {
          if (!entry.sent && session.queue.get(entry.seq) === entry) this.#state.dequeue(session, entry);
        });
      }
      return entry && packetOf(entry);
    }
    const entry = session.byMessageId(packet.messageId);
    // An identifier that was not used on this connection acknowledges nothing.
    if (entry === undefined || (client.conn !== undefined && entry.connection !== client.conn)) {
      return undefined;
    }
    this.#state.dequeue(session, entry);
    return packetOf(entry);
  }

  /** The queue as it is now, oldest first, minus what is gone or was sent on this connection meanwhile. */
  stream(client: ReceivingClient): Readable {
    const session = this.#state.sessions.get(client.id);
    return Readable.from(
      session === undefined ? [] : resume(session, client.conn, [...session.queue.values()]),
    );
  }

  /** Leaves the identifiers of queued messages to the queue (see `firstMessageId`). */
  confineMessageIds(client: object): void {
    let next = 1 + Math.floor(Math.random() * (firstMessageId - 1));
    Object.defineProperty(client, "_nextId", {
      configurable: true,
      get: () => next,
      set: (id: number) => {
        next = id < firstMessageId ? id : 1;
      },
    });
  }

  /**
   * A message that is in no queue. Either it never was (the queue was full) or was purged: it is delivered without a
   * second chance. Or the receiver, as it resumed, had it already from the queue or from its publication, whichever
   * was first, and has acknowledged it: MQTT-4.3.3, exactly once, so what goes out in place of a second PUBLISH is
   * the PUBREL of the first, which may be repeated. At QoS 1 a second delivery is allowed.
   */
  #updateUnqueued(conn: object | undefined, packet: OutgoingPacket): PromiseLike<void> {
    const messageId = conn && this.#handedOut.get(conn)?.get(numberOf(packet.brokerId, packet.brokerCounter));
    if (messageId === undefined || packet.qos !== 2) return settled;
    packet.cmd = "pubrel";
    packet.messageId = messageId;
    return this.#log.durable();
  }

  #noteHandedOut(conn: object, number: string, messageId: number): void {
    let numbers = this.#handedOut.get(conn);
    if (numbers === undefined) this.#handedOut.set(conn, (numbers = new Map()));
    numbers.set(number, messageId);
  }

  #resumption(client: ReceivingClient, conn: EventEmitter): Promise<void> {
    let over = this.#resumptions.get(conn);
    if (over === undefined) {
      over = new Promise((resolve) => {
        client.once?.("connected", resolve);
        conn.once("close", resolve);
      });
      this.#resumptions.set(conn, over);
    }
    return over;
  }
}

function find(session: Session, packet: Partial<OutgoingPacket>): Entry | undefined {
  return packet.brokerId === fromStore
    ? session.queue.get(packet.brokerCounter ?? 0)
    : session.byNumber(packet.brokerId, packet.brokerCounter);
}

function* resume(session: Session, conn: object | undefined, entries: readonly Entry[]) {
  for (const entry of entries) {
    if (session.queue.get(entry.seq) !== entry) continue;
    // Not durable yet: its publication is still to come, and the subscriptions are in place to receive it.
    if (conn !== undefined && (entry.connection === conn || entry.pending)) continue;
    entry.resuming = conn;
    if (entry.message === undefined) entry.connection = conn;
    yield packetOf(entry);
  }
}

function packetOf(entry: Entry): object {
  const messageId = entry.sent ? entry.messageId : undefined;
  if (entry.message === undefined) return { cmd: "pubrel", messageId };
  const { topic, payload } = entry.message;
  const number =
    entry.brokerCounter === undefined
      ? { brokerId: fromStore, brokerCounter: entry.seq }
      : { brokerId: entry.brokerId, brokerCounter: entry.brokerCounter };
  // MQTT-3.3.1-9: RETAIN is 0 towards an established subscription.
  return { cmd: "publish", topic, payload, qos: entry.qos, retain: false, dup: false, ...number, messageId };
}
