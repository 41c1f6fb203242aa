import { GatewayError } from "../errors.ts";
import type { CommitLog } from "./commit-log.ts";
import type { PersistenceLimits } from "./limits.ts";
import { ownCopy, type Payload, sizeOf } from "./payload.ts";
import type { Entry, Inbound, QoS, Session } from "./session.ts";
import type { BrokerState } from "./state.ts";
import { highestGrant } from "./subscription-index.ts";

/** The client of a call, as far as it matters here: an aedes Client, or an id. */
export interface PublishingClient {
  readonly id: string;
  readonly clean?: boolean;
}

/** A PUBLISH as it came in; `payload` and `dup` are adjusted in place. */
export interface PublishedPacket {
  readonly topic: string;
  payload: Payload;
  readonly qos: QoS;
  readonly retain: boolean;
  dup?: boolean;
  readonly messageId?: number | undefined;
}

/** What was stored of a message before aedes came to publish it. */
export interface StoredMessage {
  /** Sessions already served, whether their queue took the message or was full. */
  readonly clients: ReadonlySet<string>;
  readonly entries: readonly (readonly [Session, Entry])[];
  readonly retained: boolean;
  published: boolean;
}

/** Messages on their way in: stored, and durable, before they are acknowledged. */
export class Inbox {
  readonly #state: BrokerState;
  readonly #log: CommitLog;
  readonly #limits: PersistenceLimits;
  /**
   * aedes copies the packet before it asks to store it, and numbers the copy; what the copy shares with the
   * original is the payload object.
   */
  readonly #stored = new WeakMap<object, StoredMessage>();
  readonly #publishers = new WeakMap<object, string>();
  readonly #waiting = new Map<string, number>();
  /** QoS 1 messages that are durable and that aedes has not published yet, oldest first. */
  readonly #unpublished = new Map<
    StoredMessage,
    { readonly packet: PublishedPacket; readonly since: number }
  >();

  constructor(state: BrokerState, log: CommitLog, limits: PersistenceLimits) {
    this.#state = state;
    this.#log = log;
    this.#limits = limits;
  }

  storedAs(payload: Payload): StoredMessage | undefined {
    return typeof payload === "string" ? undefined : this.#stored.get(payload);
  }

  publisherOf(payload: Payload): string | null {
    return typeof payload === "string" ? null : (this.#publishers.get(payload) ?? null);
  }

  /** See SqlitePersistence.storeInbound. */
  async store(client: PublishingClient, packet: PublishedPacket): Promise<void> {
    const payload = makeRecognisable(packet);
    this.#publishers.set(payload, client.id);
    // QoS 0 is promised to nobody; QoS 2 is stored together with its identifier, in `storeIncoming`.
    if (packet.qos !== 1) return;
    const stored = this.#enqueue(client, packet, payload);
    // MQTT-4.6.0-2: a client's PUBACKs go out in the order of its PUBLISHes, so what needs no storing still
    // waits for what was sent before it.
    if (stored === undefined && !this.#waiting.has(client.id)) return this.#log.check();
    await this.#durable(client.id, stored);
    if (stored !== undefined) this.#unpublished.set(stored, { packet, since: performance.now() });
  }

  /** aedes publishes the message. */
  published(stored: StoredMessage): void {
    stored.published = true;
    this.#unpublished.delete(stored);
  }

  /** Takes the messages that have waited for aedes for so long that it is not going to publish them. */
  takeStranded(olderThanMs: number): PublishedPacket[] {
    const stranded: PublishedPacket[] = [];
    for (const [stored, { packet, since }] of this.#unpublished) {
      if (performance.now() - since < olderThanMs) break;
      this.#unpublished.delete(stored);
      stranded.push(packet);
    }
    return stranded;
  }

  /** MQTT-4.3.3-2, method A: the identifier and the message become durable in one transaction. */
  async storeIncoming(client: PublishingClient, packet: PublishedPacket): Promise<void> {
    const payload = makeRecognisable(packet);
    this.#publishers.set(payload, client.id);
    const session = this.#state.session(client.id);
    const bytes = sizeOf(packet);
    const messageId = packet.messageId ?? 0;
    let stored: StoredMessage | undefined;
    try {
      this.#admitIncoming(session, messageId, bytes);
      stored = this.#enqueue(client, packet, payload);
    } catch (error) {
      this.#state.forgetIfEmpty(session);
      throw error;
    }
    const { topic, retain } = packet;
    const inbound: Inbound = { messageId, topic, payload: ownCopy(payload), retain, bytes, ...undecided };
    this.#state.putInbound(session, inbound, client.clean === true);
    // Set before anything else can ask: a repeated PUBLISH must not be answered before this one is durable.
    inbound.durable = this.#durable(client.id, stored);
    await inbound.durable;
    inbound.durable = undefined;
  }

  /** Rejects when there is none; waits when its arrival or removal is still on its way to the disk. */
  async getIncoming(client: PublishingClient, messageId: number): Promise<Inbound> {
    const inbound = this.#state.sessions.get(client.id)?.inbound.get(messageId);
    if (inbound === undefined) throw new Error("no such packet");
    await inbound.durable;
    if (inbound.removed) throw new Error("no such packet");
    return inbound;
  }

  /**
   * Resolves when the removal is durable, thus before PUBCOMP frees the identifier: were it still known after a
   * crash, the next message that carries it would be acknowledged as a repetition, and lost.
   */
  async deleteIncoming(client: PublishingClient, messageId: number): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    const inbound = session?.inbound.get(messageId);
    if (session === undefined || inbound === undefined || inbound.removed) throw new Error("no such packet");
    this.#state.dropInbound(session, inbound);
    inbound.durable = this.#log.durable();
    await inbound.durable;
    this.#forget(session, inbound);
  }

  async cleanIncoming(client: PublishingClient): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined || session.inbound.size === 0) return;
    for (const inbound of session.inbound.values()) {
      if (!inbound.removed) this.#state.dropInbound(session, inbound);
      this.#forget(session, inbound);
    }
    await this.#log.durable();
  }

  #admitIncoming(session: Session, messageId: number, bytes: number): void {
    const known = session.inbound.get(messageId);
    if (known !== undefined && !known.removed)
      throw new Error(`message ${messageId} is being stored already`);
    if (
      session.inbound.size >= this.#limits.inboundPerSession ||
      session.inboundBytes + bytes > this.#limits.queuedBytes
    ) {
      throw new GatewayError(
        "GATEWAY_STATE_FULL",
        `${session.id} has too many QoS 2 messages without PUBREL`,
      );
    }
    this.#state.admit(bytes);
  }

  #forget(session: Session, inbound: Inbound): void {
    if (session.inbound.get(inbound.messageId) !== inbound) return;
    session.inbound.delete(inbound.messageId);
    this.#state.forgetIfEmpty(session);
  }

  #enqueue(client: PublishingClient, packet: PublishedPacket, payload: Buffer): StoredMessage | undefined {
    const targets = highestGrant(this.#state.subscriptions.matching(packet.topic));
    if (targets.size === 0 && !packet.retain) return undefined;
    const retained = { ...packet, cmd: "publish", dup: false } as const;
    // Both first: a message is stored as a whole or refused as a whole.
    if (targets.size > 0) this.#state.admit(sizeOf(packet));
    if (packet.retain) this.#state.retained.admit(retained, client.id);
    const entries: [Session, Entry][] = [];
    this.#state.enqueue({ topic: packet.topic, payload, qos: packet.qos }, targets, (session, entry) =>
      entries.push([session, entry]),
    );
    if (packet.retain) this.#state.retained.put(retained, client.id);
    const clients = new Set(targets.keys());
    const stored = { clients, entries, retained: packet.retain, published: false };
    this.#stored.set(payload, stored);
    return stored;
  }

  async #durable(clientId: string, stored: StoredMessage | undefined): Promise<void> {
    this.#waiting.set(clientId, (this.#waiting.get(clientId) ?? 0) + 1);
    try {
      await this.#log.durable();
    } finally {
      const left = (this.#waiting.get(clientId) ?? 1) - 1;
      if (left > 0) this.#waiting.set(clientId, left);
      else this.#waiting.delete(clientId);
    }
    for (const [, entry] of stored?.entries ?? []) entry.pending = false;
  }
}

const undecided = { durable: undefined, removed: false } as const;

function makeRecognisable(packet: PublishedPacket): Buffer {
  // MQTT-3.3.1-3: the DUP flag of an incoming PUBLISH is not propagated to subscribers.
  packet.dup = false;
  const { payload } = packet;
  // An empty buffer might be one that others share.
  const own = typeof payload === "string" || payload.length === 0 ? Buffer.from(payload) : payload;
  packet.payload = own;
  return own;
}
