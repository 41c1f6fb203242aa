import type { Payload } from "./payload.ts";

export type QoS = 0 | 1 | 2;

/**
 * Packet identifiers from here up are given to queued messages by this store, those below to messages that are
 * not stored (retained ones sent upon SUBSCRIBE) by aedes. Shared, an acknowledgement of the one could remove the
 * other from its queue.
 */
export const firstMessageId = 0x8000;
/** A queue that could use up the identifiers would have none for the next message. */
export const largestQueue = 0x7000;

/** What of a PUBLISH goes into queues. */
export interface NewMessage {
  readonly topic: string;
  readonly payload: Payload;
  readonly qos: QoS;
}

/** One message, held once however many queues it is in. */
export interface Message {
  readonly id: number;
  readonly topic: string;
  readonly payload: Payload;
  readonly qos: QoS;
  readonly bytes: number;
  /** Queue entries that still need it. */
  references: number;
}

/** One message on its way to one session. */
export interface Entry {
  readonly seq: number;
  readonly qos: QoS;
  /** Absent once PUBREC arrived: what is left to do is the PUBREL (MQTT-4.3.3-1). */
  message: Message | undefined;
  /** The packet identifier it is sent with, on whichever connection (MQTT-4.4.0-1). */
  messageId: number;
  /** Sent before, on any connection: the next time is a re-delivery (MQTT-3.3.1-1). */
  sent: boolean;
  /** The number aedes gave it in this process. */
  brokerId: string | undefined;
  brokerCounter: number | undefined;
  /** The connection it was last sent on, and the one whose resumption is sending it. */
  connection: object | undefined;
  resuming: object | undefined;
  /** Not durable yet: a crash would lose it, and its publisher would send it again. */
  pending: boolean;
}

export interface SubscriptionRecord {
  readonly clientId: string;
  readonly topic: string;
  readonly qos: QoS;
  readonly rh: number | undefined;
  readonly rap: boolean | number | undefined;
  readonly nl: boolean | number | undefined;
  /** MQTT 5's Subscription Identifier; absent when there is none. */
  readonly subscriptionIdentifier?: number;
}

/** A QoS 2 message whose PUBREL has not come: its identifier must not be taken for a new message's. */
export interface Inbound {
  readonly messageId: number;
  readonly topic: string;
  readonly payload: Payload;
  readonly retain: boolean;
  readonly bytes: number;
  /** Settles when the arrival, or the removal, is durable. */
  durable: Promise<void> | undefined;
  removed: boolean;
}

export class Session {
  readonly id: string;
  readonly subscriptions = new Map<string, SubscriptionRecord>();
  /** By sequence number, oldest first. */
  readonly queue = new Map<number, Entry>();
  readonly inbound = new Map<number, Inbound>();
  /** Milliseconds since the epoch; undefined while connected. */
  offlineSince: number | undefined;
  /** Bytes of the queue, and of the QoS 2 messages on their way in. */
  bytes = 0;
  inboundBytes = 0;
  readonly #byMessageId = new Map<number, Entry>();
  readonly #byNumber = new Map<string, Entry>();
  #lastMessageId = 0;

  constructor(id: string) {
    this.id = id;
  }

  get empty(): boolean {
    return this.subscriptions.size === 0 && this.queue.size === 0 && this.inbound.size === 0;
  }

  add(entry: Entry): void {
    this.queue.set(entry.seq, entry);
    this.bytes += entry.message?.bytes ?? 0;
    this.#byMessageId.set(entry.messageId, entry);
    this.#lastMessageId = entry.messageId;
    if (entry.brokerCounter !== undefined) this.number(entry, entry.brokerId, entry.brokerCounter);
  }

  delete(entry: Entry): void {
    this.queue.delete(entry.seq);
    this.bytes -= entry.message?.bytes ?? 0;
    if (this.#byMessageId.get(entry.messageId) === entry) this.#byMessageId.delete(entry.messageId);
    const key = numberOf(entry.brokerId, entry.brokerCounter);
    if (this.#byNumber.get(key) === entry) this.#byNumber.delete(key);
  }

  /** PUBREC arrived: the payload is no longer needed. Returns the message given up. */
  release(entry: Entry): Message | undefined {
    const message = entry.message;
    entry.message = undefined;
    this.bytes -= message?.bytes ?? 0;
    return message;
  }

  number(entry: Entry, brokerId: string | undefined, brokerCounter: number): void {
    const old = numberOf(entry.brokerId, entry.brokerCounter);
    if (this.#byNumber.get(old) === entry) this.#byNumber.delete(old);
    entry.brokerId = brokerId;
    entry.brokerCounter = brokerCounter;
    this.#byNumber.set(numberOf(brokerId, brokerCounter), entry);
  }

  identify(entry: Entry, messageId: number): void {
    if (this.#byMessageId.get(entry.messageId) === entry) this.#byMessageId.delete(entry.messageId);
    entry.messageId = messageId;
    this.#byMessageId.set(messageId, entry);
  }

  byMessageId(messageId: number): Entry | undefined {
    return this.#byMessageId.get(messageId);
  }

  byNumber(brokerId: string | undefined, brokerCounter: number | undefined): Entry | undefined {
    return this.#byNumber.get(numberOf(brokerId, brokerCounter));
  }

  /** MQTT-2.3.1-2: a packet identifier that no message in this session's queue has. */
  unusedMessageId(): number {
    let id = this.#lastMessageId;
    do id = id >= 0xffff || id < firstMessageId ? firstMessageId : id + 1;
    while (this.#byMessageId.has(id));
    return id;
  }
}

/** A key for the number that aedes gives a message. */
export function numberOf(brokerId: string | undefined, brokerCounter: number | undefined): string {
  return `${brokerCounter ?? ""}:${brokerId ?? ""}`;
}
