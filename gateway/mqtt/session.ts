import type { RefusalReason } from "../errors.ts";
import type { SessionInfo } from "../events.ts";
import { type Admitted, Session } from "../session.ts";
import type { MqttConnection } from "./connection.ts";

/** One authenticated connection, from the end of its handshake to its close; MQTT's session once `clientId` is set. */
export class MqttSession extends Session {
  readonly transport = "mqtt";
  readonly connection: MqttConnection;
  /** Set when the CONNECT was found good. */
  clientId: string | undefined;
  /** Why it never became a session was told already. */
  refusalTold = false;
  /** The will must not fire: its device lost its rights. */
  willSuppressed = false;
  /** The broker has let go of the connection: its subscriptions are gone and its client id is free. */
  readonly released: Promise<void>;
  /** The filters that were granted; what was refused is not among them. */
  readonly filters = new Set<string>();

  constructor(connection: MqttConnection, admitted: Admitted) {
    super(admitted);
    this.connection = connection;
    // Aedes reports "drain" on a connection as the last step of closing it, and never before: `write` is always true.
    this.released = new Promise((resolve) => connection.once("drain", resolve));
  }

  get address(): string {
    return this.connection.address;
  }

  get ended(): boolean {
    return this.connection.destroyed;
  }

  /** At once, and without its will. */
  kick(reason: RefusalReason, detail: string): void {
    this.willSuppressed = true;
    this.connection.cut(reason, detail);
  }

  override info(): SessionInfo {
    return { ...super.info(), clientId: this.clientId ?? "" };
  }
}

/** The live connections, by client id and by device. */
export class MqttSessions implements Iterable<MqttSession> {
  readonly #all = new Set<MqttSession>();
  readonly #byClientId = new Map<string, MqttSession>();
  readonly #byDevice = new Map<string, Set<MqttSession>>();

  get size(): number {
    return this.#all.size;
  }

  /** Over the sessions of this moment: those that come or go meanwhile change nothing. */
  [Symbol.iterator](): Iterator<MqttSession> {
    return [...this.#all].values();
  }

  add(session: MqttSession): void {
    this.#all.add(session);
  }

  /** Gives a session its client id. The id must be free: whoever held it was removed before. */
  name(session: MqttSession, clientId: string): void {
    session.clientId = clientId;
    this.#byClientId.set(clientId, session);
    const { id } = session.identity;
    const siblings = this.#byDevice.get(id) ?? new Set();
    this.#byDevice.set(id, siblings.add(session));
  }

  withClientId(clientId: string): MqttSession | undefined {
    return this.#byClientId.get(clientId);
  }

  /** Sessions of a device that have a client id. */
  countOf(deviceId: string): number {
    return this.#byDevice.get(deviceId)?.size ?? 0;
  }

  remove(session: MqttSession): void {
    this.#all.delete(session);
    const { clientId } = session;
    if (clientId !== undefined && this.#byClientId.get(clientId) === session)
      this.#byClientId.delete(clientId);
    const siblings = this.#byDevice.get(session.identity.id);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#byDevice.delete(session.identity.id);
  }
}
