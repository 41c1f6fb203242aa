import { Readable } from "node:stream";
import { GatewayError } from "../errors.ts";
import { CommitLog } from "./commit-log.ts";
import { Inbox, type PublishedPacket, type PublishingClient } from "./inbox.ts";
import { defaultPersistenceLimits, type Overflow, type PersistenceLimits } from "./limits.ts";
import { Outbox, type OutgoingPacket, type ReceivingClient } from "./outbox.ts";
import { ownCopy } from "./payload.ts";
import type { RetainedPacket } from "./retained.ts";
import type { NewMessage, QoS, Session, SubscriptionRecord } from "./session.ts";
import { Settled, settled } from "./settled.ts";
import { snapshotOf } from "./snapshot.ts";
import { BrokerState } from "./state.ts";
import type { Store } from "./store.ts";
import type { Will } from "./wills.ts";

export interface PersistenceOptions {
  readonly limits?: Partial<PersistenceLimits>;
  /** How long a session is kept while its device is away, in milliseconds. Default: 7 days. */
  readonly sessionExpiryMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /**
   * Whether a subscription may be stored. aedes stores every subscription of a SUBSCRIBE of which one was allowed;
   * what is stored queues messages, so what was denied must be left out here. Default: all.
   */
  readonly maySubscribe?: (client: { readonly id: string }, subscription: RequestedSubscription) => boolean;
  /** A message did not fit into a queue. */
  readonly onOverflow?: (overflow: Overflow) => void;
  /** Nothing is durable any more: stop acknowledging. Called once. */
  readonly onFailure?: (error: GatewayError) => void;
}

export interface RequestedSubscription {
  readonly topic: string;
  readonly qos: QoS;
  readonly rh?: number;
  readonly rap?: boolean;
  readonly nl?: boolean;
  readonly subscriptionIdentifier?: number;
}

export type Stats = BrokerState["stats"] & { readonly transactions: number };

interface BrokerShape {
  readonly id: string;
  publish?(packet: object, done: () => void): unknown;
  on?(event: "client" | "clientDisconnect", listener: (client: { readonly id: string }) => void): unknown;
}

const day = 86_400_000;
const hour = 3_600_000;
const second = 1000;

/**
 * What aedes asks for, answered from memory and written behind to SQLite by one thread in groups. Whatever MQTT
 * acknowledges waits for the disk (storeInbound, incomingStorePacket, incomingDelPacket, PUBREL, subscriptions,
 * wills); whatever only makes a repetition less likely does not.
 */
export class SqlitePersistence {
  readonly #log: CommitLog;
  readonly #state: BrokerState;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #options: PersistenceOptions;
  readonly #now: () => number;
  #broker: BrokerShape | undefined;
  #timers: NodeJS.Timeout[] = [];
  #destroyed = false;

  constructor(store: Store, options: PersistenceOptions = {}) {
    const limits = { ...defaultPersistenceLimits, ...options.limits };
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#log = new CommitLog(store, (error) => options.onFailure?.(error));
    this.#state = new BrokerState(store.contents, this.#log, limits, (overflow) =>
      options.onOverflow?.(overflow),
    );
    this.#inbox = new Inbox(this.#state, this.#log, limits);
    this.#outbox = new Outbox(this.#state, this.#log, this.#inbox);
    this.expireSessions();
  }

  // ---- for the gateway ----

  /**
   * Stores a message before its PUBACK: call it from authorizePublish, after the access check, for every PUBLISH
   * (QoS 0 and 2 cost nothing here; a retained one is attributed to its publisher). Resolves when the message is
   * durable for every stored session that subscribed to it, at once when there is none. aedes' own requests to
   * store the same packet are recognised by its payload object.
   * Rejects with GATEWAY_STATE_FULL, _FAILED or _CLOSED: do not acknowledge then.
   */
  storeInbound(client: PublishingClient, packet: PublishedPacket): Promise<void> {
    return this.#inbox.store(client, packet);
  }

  /** Resolves when everything asked for so far is on disk. */
  flush(): Promise<void> {
    return this.#log.durable();
  }

  /** Wills that an earlier process was to publish for clients that died with it. Publish, then `deleteWill`. */
  orphanedWills(): Will[] {
    return this.#state.wills.all().filter((will) => will.brokerId !== this.#broker?.id);
  }

  async deleteWill(clientId: string): Promise<void> {
    this.#state.wills.drop(clientId);
    await this.#log.durable();
  }

  /** Client ids with stored state. */
  sessionIds(): string[] {
    return [...this.#state.sessions.keys()];
  }

  /** Client ids that have retained messages. */
  publisherIds(): string[] {
    return [...this.#state.retained.publishers];
  }

  /** Forgets a session: subscriptions, queue, QoS 2 identifiers. Its will and retained messages stay. */
  async purgeSession(clientId: string): Promise<void> {
    const session = this.#state.sessions.get(clientId);
    if (session !== undefined) this.#drop(session);
    await this.#log.durable();
  }

  /** Removes the retained messages of `publisherId` and of client ids below it; returns how many. */
  async purgeRetainedFrom(publisherId: string): Promise<number> {
    const purged = this.#state.retained.purge(publisherId);
    await this.#log.durable();
    return purged;
  }

  /** Forgets sessions that have been away for too long; runs by itself every hour. Returns their ids. */
  expireSessions(): string[] {
    const deadline = this.#now() - (this.#options.sessionExpiryMs ?? 7 * day);
    const stale = [...this.#state.sessions.values()].filter(
      (session) => session.offlineSince !== undefined && session.offlineSince < deadline,
    );
    for (const session of stale) this.#drop(session);
    return stale.map((session) => session.id);
  }

  /**
   * A publisher whose connection ends before its PUBACK leaves a message that is stored and that aedes will not
   * publish: subscribers that are connected would get it only upon their next connection, and publishers that
   * always leave could fill their queues. Such messages are published from here; runs by itself every second.
   */
  publishStranded(olderThanMs: number): void {
    for (const packet of this.#inbox.takeStranded(olderThanMs)) {
      this.#broker?.publish?.({ cmd: "publish", ...packet }, () => undefined);
    }
  }

  stats(): Stats {
    return { ...this.#state.stats, transactions: this.#log.transactions };
  }

  /** The error that ended durability, if one did. */
  get failure(): GatewayError | undefined {
    return this.#log.failed;
  }

  // ---- for aedes ----

  get broker(): BrokerShape | undefined {
    return this.#broker;
  }

  async setup(broker: BrokerShape): Promise<void> {
    this.#broker = broker;
    broker.on?.("client", (client) => {
      this.#outbox.confineMessageIds(client);
      this.#state.setOffline(client.id, undefined);
    });
    broker.on?.("clientDisconnect", (client) => this.#state.setOffline(client.id, this.#now()));
    this.#timers = [
      setInterval(() => this.expireSessions(), hour).unref(),
      setInterval(() => this.publishStranded(second), second).unref(),
    ];
  }

  /** Not awaited: a QoS 0 message may be lost (MQTT-3.3.1-7), others came through `storeInbound`. */
  storeRetained(packet: RetainedPacket): PromiseLike<void> {
    if (this.#inbox.storedAs(packet.payload)?.retained === true) return settled;
    const publisher = this.#inbox.publisherOf(packet.payload);
    try {
      this.#state.retained.admit(packet, publisher);
      this.#state.retained.put(packet, publisher);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { topic, payload } = packet;
      this.#state.overflow({ kind: "retained", clientId: publisher ?? "", topic, bytes: payload.length });
    }
    return settled;
  }

  createRetainedStream(filter: string): Readable {
    return Readable.from(this.#state.retained.matching([filter]));
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#state.retained.matching(filters));
  }

  /** Durable before SUBACK: the client will not subscribe again. */
  async addSubscriptions(
    client: { id: string },
    subscriptions: readonly RequestedSubscription[],
  ): Promise<void> {
    const allowed = subscriptions.filter((sub) => this.#options.maySubscribe?.(client, sub) ?? true);
    if (allowed.length > 0) {
      const session = this.#state.session(client.id);
      for (const { topic, qos, rh, rap, nl, subscriptionIdentifier } of allowed) {
        const identifier = subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier };
        this.#state.subscribe(session, { clientId: client.id, topic, qos, rh, rap, nl, ...identifier });
      }
    }
    await this.#log.durable();
  }

  async removeSubscriptions(client: { id: string }, topics: readonly string[]): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    if (session !== undefined) {
      for (const topic of topics) this.#state.unsubscribe(session, topic);
      this.#state.forgetIfEmpty(session);
    }
    await this.#log.durable();
  }

  async subscriptionsByClient(client: { id: string }): Promise<Omit<SubscriptionRecord, "clientId">[]> {
    const records = this.#state.sessions.get(client.id)?.subscriptions.values() ?? [];
    return [...records].map(({ clientId: _clientId, ...subscription }) => subscription);
  }

  subscriptionsByTopic(topic: string): PromiseLike<SubscriptionRecord[]> {
    return new Settled(this.#state.subscriptions.matching(topic).map(withoutIdentifier));
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return this.#state.countOffline();
  }

  /** MQTT-3.1.2-6: the queue ends with the subscriptions. Durable before CONNACK says that no session is present. */
  async cleanSubscriptions(client: { id: string }): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined) return;
    this.#state.clearOutgoing(session);
    await this.#log.durable();
  }

  outgoingEnqueue(subscription: { clientId: string; qos?: QoS }, packet: OutgoingPacket): PromiseLike<void> {
    return this.#outbox.enqueue([subscription], packet);
  }

  outgoingEnqueueCombi(
    subscriptions: readonly { clientId: string; qos?: QoS }[],
    packet: OutgoingPacket,
  ): PromiseLike<void> {
    return this.#outbox.enqueue(subscriptions, packet);
  }

  outgoingUpdate(client: ReceivingClient, packet: OutgoingPacket): PromiseLike<void> {
    return this.#outbox.update(client, packet);
  }

  outgoingClearMessageId(
    client: ReceivingClient,
    packet: Partial<OutgoingPacket>,
  ): Promise<object | undefined> {
    return this.#outbox.clear(client, packet);
  }

  outgoingStream(client: ReceivingClient): Readable {
    return this.#outbox.stream(client);
  }

  incomingStorePacket(client: PublishingClient, packet: PublishedPacket): Promise<void> {
    return this.#inbox.storeIncoming(client, packet);
  }

  async incomingGetPacket(
    client: PublishingClient,
    packet: { readonly messageId?: number },
  ): Promise<object> {
    const inbound = await this.#inbox.getIncoming(client, packet.messageId ?? 0);
    const { topic, payload, retain, messageId } = inbound;
    return { cmd: "publish", topic, payload, qos: 2, dup: false, retain, messageId };
  }

  incomingDelPacket(client: PublishingClient, packet: { readonly messageId?: number }): Promise<void> {
    return this.#inbox.deleteIncoming(client, packet.messageId ?? 0);
  }

  cleanIncoming(client: PublishingClient): Promise<void> {
    return this.#inbox.cleanIncoming(client);
  }

  /** MQTT-3.1.2-8: stored before CONNACK. */
  async putWill(client: { id: string }, packet: NewMessage & Partial<Will>): Promise<void> {
    const attributed = Object.assign(packet, { brokerId: this.#broker?.id ?? "", clientId: client.id });
    const payload = ownCopy(packet.payload);
    this.#state.wills.put({ ...attributed, payload, retain: packet.retain ?? false });
    await this.#log.durable();
  }

  async getWill(client: { id: string }): Promise<Will | undefined> {
    return this.#state.wills.get(client.id);
  }

  async delWill(client: { id: string }): Promise<Will | undefined> {
    return this.#state.wills.drop(client.id);
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(this.#state.wills.all().filter((will) => !Object.hasOwn(brokers, will.brokerId)));
  }

  getClientList(topic: string): Readable {
    const subscribed = [...this.#state.sessions.values()].filter((session) =>
      session.subscriptions.has(topic),
    );
    return Readable.from(subscribed.map((session) => session.id));
  }

  /** Writes what is left and releases the file. */
  async destroy(): Promise<void> {
    if (this.#destroyed) throw new GatewayError("GATEWAY_STATE_CLOSED", "the broker state is closed already");
    this.#destroyed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#log.close();
  }

  /** For tests: everything that a restart must bring back, in comparable form. */
  snapshot(): object {
    return snapshotOf(this.#state);
  }

  #drop(session: Session): void {
    for (const inbound of session.inbound.values())
      if (!inbound.removed) this.#state.dropInbound(session, inbound);
    session.inbound.clear();
    this.#state.clearOutgoing(session);
  }
}

/** aedes restores the identifier with the subscriptions of a client; a match by topic is without it. */
function withoutIdentifier({ subscriptionIdentifier: _identifier, ...record }: SubscriptionRecord) {
  return record;
}
