import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { Aedes, type AedesPublishPacket, type Client } from "aedes";
import { judgeConnect } from "./connect-rules.ts";
import type { RefusalReason } from "./errors.ts";
import type { EmitEvent } from "./events.ts";
import { guardPersistence, type StoredWill } from "./guarded-persistence.ts";
import type { Limits } from "./limits.ts";
import { type Published, refusedPublish, refusedSubscribe } from "./message-rules.ts";
import type { MqttSession, MqttSessions } from "./mqtt/session.ts";
import type { SqlitePersistence } from "./persistence/index.ts";

export interface BrokerOptions {
  readonly persistence: SqlitePersistence;
  readonly sessions: MqttSessions;
  readonly limits: Limits;
  readonly emit: EmitEvent;
  /** Is anybody listening? An event for each message is made for nobody otherwise. */
  readonly observed: () => boolean;
  /** Judges the session's certificate and device as of now; throws a GatewayError. */
  readonly recheck: (session: MqttSession) => void;
  readonly refuse: (session: MqttSession, reason: RefusalReason, detail: string, clientId: string) => void;
  /** May the will of a client that is not connected still fire? */
  readonly mayFire: (will: StoredWill) => boolean;
}

/** Aedes, with every decision about who may do what taken here. */
export class Broker {
  readonly #aedes: Aedes;
  readonly #options: BrokerOptions;
  readonly #sessions = new WeakMap<object, MqttSession>();
  #subscriber: Client | undefined;

  private constructor(options: BrokerOptions) {
    this.#options = options;
    const { limits } = options;
    this.#aedes = new Aedes({
      persistence: guardPersistence(options.persistence, {
        sessionOf: (client) => this.#sessions.get(client),
        subscriber: () => this.#subscriber,
        mayFire: options.mayFire,
      }),
      // A will left behind by a crash is published within four beats.
      heartbeatInterval: 10_000,
      // The connection's own timer comes first.
      connectTimeout: limits.connectTimeoutMs * 2,
      // `write` never asks to wait.
      drainTimeout: 0,
      maxTopicLevels: 100,
      preConnect: (client, packet, done) => this.#preConnect(client, packet, done),
      authenticate: (client, _username, _password, done) => this.#authenticate(client, done),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        const refused = this.#refusedFilter(client, subscription.topic);
        done(null, refused ? null : subscription);
      },
      authorizeForward: (client, packet) =>
        this.#sessions.get(client)?.rights.mayReceive(packet.topic) === true ? packet : null,
      published: (packet, client, done) => this.#published(packet, client, done),
    });
    this.#listen();
  }

  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    await broker.#aedes.listen();
    return broker;
  }

  /** Hands an authenticated connection to Aedes. */
  accept(session: MqttSession): void {
    // Aedes uses a few parts of a Duplex, and MqttConnection has those parts alone.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const client = this.#aedes.handle(session.connection as unknown as Duplex);
    this.#sessions.set(client, session);
    session.connection.once("acknowledged", (returnCode: number) => {
      if (returnCode !== 0) return;
      session.opened = true;
      this.#options.emit({ type: "session.opened", session: session.info() });
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
  }

  #listen(): void {
    const { emit } = this.#options;
    const anyEvent: EventEmitter = this.#aedes;
    anyEvent.on("error", (error: unknown) =>
      emit({ type: "warning", detail: `the broker reports: ${String(error)}`, cause: error }),
    );
    this.#aedes.on("client", (client) => {
      if (client.closed) queueMicrotask(() => this.#forget(client));
    });
    this.#aedes.on("keepaliveTimeout", (client) =>
      this.#sessions.get(client)?.connection.note("keepalive_timeout", "the keep-alive period ran out"),
    );
    this.#aedes.on("clientError", (client, error) =>
      this.#sessions.get(client)?.connection.note("protocol_error", error.message),
    );
    this.#aedes.on("subscribe", (_subscriptions, client) => {
      // What follows in this turn reads the retained messages for this client.
      this.#subscriber = client;
      queueMicrotask(() => {
        this.#subscriber = undefined;
      });
    });
    this.#aedes.on("unsubscribe", (filters, client) => {
      for (const filter of filters) this.#sessions.get(client)?.filters.delete(filter);
    });
  }

  /**
   * A connection that broke while its CONNECT was worked on: Aedes let go of it, and registers it nevertheless, for
   * good. A device has as many client ids as it likes, so these would grow without bound.
   */
  #forget(client: Client): void {
    // Aedes' types leave the method out.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const registered = this.#aedes as unknown as { unregisterClient(client: Client): void };
    registered.unregisterClient(client);
  }

  // --- CONNECT ---

  /** Comes before Aedes gives the client its id: a refused attempt touches nothing of that id's owner. */
  #preConnect(
    client: Client,
    packet: Parameters<Aedes["preConnect"]>[1],
    done: (error: Error | null, success: boolean) => void,
  ): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return done(new Error("unreachable: a connection without a session"), false);
    session.connection.connectArrived();
    const { limits, sessions, recheck, refuse } = this.#options;
    try {
      // Between handshake and CONNECT the certificate may have been revoked.
      recheck(session);
    } catch (error) {
      session.connection.note("certificate_refused", "the certificate could not be judged");
      return done(error instanceof Error ? error : new Error(String(error)), false);
    }
    const refused = judgeConnect(packet, session.identity, session.rights, limits);
    if (refused !== undefined) {
      const { error, returnCode } = refused;
      refuse(session, error.reason ?? "protocol_error", error.message, packet.clientId);
      session.connection.refuse(error.reason ?? "protocol_error", error.message, returnCode);
      return done(error, false);
    }
    const { clientId } = packet;
    const taken = sessions.withClientId(clientId);
    if (taken === undefined && sessions.countOf(session.identity.id) >= limits.sessionsPerDevice) {
      const detail = `${limits.sessionsPerDevice} sessions of the device are open`;
      refuse(session, "too_many_sessions", detail, clientId);
      session.connection.refuse("too_many_sessions", detail, 3);
      return done(new Error("too_many_sessions"), false);
    }
    return done(null, true);
  }

  /**
   * MQTT-3.1.4-2: a client that is connected with this id already is disconnected; it is the same device. The id
   * is given on only once Aedes has let go of it, for Aedes, closing late, would forget the newcomer instead.
   */
  #authenticate(client: Client, done: (error: null, success: boolean) => void): void {
    const session = this.#sessions.get(client);
    if (session === undefined || session.connection.destroyed) return done(null, false);
    const { sessions, emit } = this.#options;
    const old = sessions.withClientId(client.id);
    if (old === undefined) {
      sessions.name(session, client.id);
      return done(null, true);
    }
    if (!old.connection.destroyed) {
      emit({ type: "session.taken_over", session: old.info(), byAddress: session.connection.address });
      old.connection.cut("taken_over", `taken over from ${session.connection.address}`);
    }
    void this.#afterRelease(old, () => this.#authenticate(client, done));
  }

  async #afterRelease(old: MqttSession, next: () => void): Promise<void> {
    await old.released;
    this.#options.sessions.remove(old);
    next();
  }

  // --- PUBLISH and wills ---

  #authorizePublish(
    client: Client | null,
    packet: Published & { readonly clientId?: string },
    done: (error?: Error | null) => void,
  ): void {
    if (client === null) {
      // The will of a client that died with an earlier process.
      const { clientId = "", topic, retain } = packet;
      if (!this.#options.mayFire({ clientId, topic, retain }))
        return done(new Error("the will may not fire"));
      return this.#store({ id: clientId }, packet, done);
    }
    const session = this.#sessions.get(client);
    if (session === undefined) return done(new Error("no session"));
    const will = packet.cmd === undefined;
    if (will) this.#recheckForWill(session);
    if (packet.qos > 0 && packet.messageId === 0) {
      // MQTT-2.3.1-1: the identifier is not 0. Neither the parser nor Aedes looks.
      session.connection.note("protocol_error", "a PUBLISH with packet identifier 0");
      return done(new Error("packet identifier 0"));
    }
    const reason = refusedPublish(session, packet, will, this.#options.limits);
    if (reason !== undefined) {
      this.#options.emit({
        type: "publish.refused",
        reason,
        deviceId: session.identity.id,
        clientId: session.clientId ?? "",
        topic: packet.topic.slice(0, 256),
        will,
      });
      // MQTT 3.1.1 §3.3.5: the server either acknowledges as if all were well, or closes.
      if (!will) session.connection.note("publish_refused", `${reason}: ${packet.topic.slice(0, 256)}`);
      return done(new Error(reason));
    }
    if (packet.qos === 1 || packet.retain || will) {
      return this.#store(client, packet, (error) => {
        if (error) session.connection.note("storage_failed", error.message);
        done(error);
      });
    }
    return done(null);
  }

  /** Its connection may have broken after the certificate was revoked and before anybody noticed. */
  #recheckForWill(session: MqttSession): void {
    try {
      this.#options.recheck(session);
    } catch {
      // Who cannot be judged gets no message out.
      session.willSuppressed = true;
    }
  }

  /** Aedes writes the PUBACK before it stores the message; so the message is stored before Aedes goes on. */
  #store(client: { readonly id: string }, packet: Published, done: (error: Error | null) => void): void {
    const stored = this.#options.persistence.storeInbound(client, packet);
    // Other messages are only attributed to their publisher, which is done by now; were they to wait here, a
    // later message that does not would overtake them.
    if (packet.qos === 1) void settle(stored, done);
    else {
      stored.catch(() => undefined);
      done(null);
    }
  }

  #published(
    packet: AedesPublishPacket,
    client: Client | null | undefined,
    done: (error?: Error | null) => void,
  ): void {
    const session = client && this.#options.observed() ? this.#sessions.get(client) : undefined;
    if (session !== undefined) {
      this.#options.emit({
        type: "message",
        deviceId: session.identity.id,
        clientId: session.clientId ?? "",
        topic: packet.topic,
        bytes: packet.payload.length,
        qos: packet.qos,
        retain: packet.retain,
      });
    }
    done(null);
  }

  // --- SUBSCRIBE ---

  /** A refused filter is answered by 0x80 in the SUBACK (MQTT 3.1.1 §3.9.3). */
  #refusedFilter(client: Client, filter: string): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return true;
    const reason = refusedSubscribe(session, filter, this.#options.limits);
    if (reason === undefined) {
      session.filters.add(filter);
      return false;
    }
    this.#options.emit({
      type: "subscribe.refused",
      reason,
      deviceId: session.identity.id,
      clientId: session.clientId ?? "",
      filter: filter.slice(0, 256),
    });
    return true;
  }
}

async function settle(work: Promise<unknown>, done: (error: Error | null) => void): Promise<void> {
  let failure: Error | null = null;
  try {
    await work;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  done(failure);
}
