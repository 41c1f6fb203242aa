import type { Rights } from "./access.ts";
import type { RefusalReason } from "./errors.ts";
import type { SessionInfo } from "./events.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { MqttConnection } from "./mqtt/connection.ts";
import type { AuthenticatedPeer } from "./peer.ts";

/** One authenticated connection, from the end of its handshake to its close; MQTT's session once `clientId` is set. */
export class Session {
  readonly connection: MqttConnection;
  readonly since: Date;
  peer: AuthenticatedPeer;
  identity: DeviceIdentity;
  rights: Rights;
  /** Set when the CONNECT was found good. */
  clientId: string | undefined;
  /** The CONNACK that accepts was sent. */
  opened = false;
  /** The registry's change counter, read before the peer was last judged. */
  judgedAt: number;
  /** Why it never became a session was told already. */
  refusalTold = false;
  /** The will must not fire: its device lost its rights. */
  willSuppressed = false;
  /** The broker has let go of the connection: its subscriptions are gone and its client id is free. */
  readonly released: Promise<void>;
  /** The filters that were granted; what was refused is not among them. */
  readonly filters = new Set<string>();

  constructor(
    connection: MqttConnection,
    peer: AuthenticatedPeer,
    identity: DeviceIdentity,
    rights: Rights,
    since: Date,
    judgedAt: number,
  ) {
    this.connection = connection;
    this.peer = peer;
    this.identity = identity;
    this.rights = rights;
    this.since = since;
    this.judgedAt = judgedAt;
    // Aedes reports "drain" on a connection as the last step of closing it, and never before: `write` is always true.
    this.released = new Promise((resolve) => connection.once("drain", resolve));
  }

  /** Ends the session of a peer that has no rights any more: at once, and without its will. */
  kick(reason: RefusalReason, detail: string): void {
    this.willSuppressed = true;
    this.connection.cut(reason, detail);
  }

  info(): SessionInfo {
    const { kind, id, group, fingerprint, notAfter } = this.identity;
    return {
      kind,
      deviceId: id,
      clientId: this.clientId ?? "",
      ...(group === undefined ? {} : { group }),
      fingerprint,
      address: this.connection.address,
      since: this.since,
      certificateNotAfter: notAfter,
      resumed: this.peer.resumed,
    };
  }
}

/** The live connections, by client id and by device. */
export class Sessions implements Iterable<Session> {
  readonly #all = new Set<Session>();
  readonly #byClientId = new Map<string, Session>();
  readonly #byDevice = new Map<string, Set<Session>>();

  get size(): number {
    return this.#all.size;
  }

  /** Over the sessions of this moment: those that come or go meanwhile change nothing. */
  [Symbol.iterator](): Iterator<Session> {
    return [...this.#all].values();
  }

  add(session: Session): void {
    this.#all.add(session);
  }

  /** Gives a session its client id. The id must be free: whoever held it was removed before. */
  name(session: Session, clientId: string): void {
    session.clientId = clientId;
    this.#byClientId.set(clientId, session);
    const { id } = session.identity;
    const siblings = this.#byDevice.get(id) ?? new Set();
    this.#byDevice.set(id, siblings.add(session));
  }

  withClientId(clientId: string): Session | undefined {
    return this.#byClientId.get(clientId);
  }

  /** Sessions of a device that have a client id. */
  countOf(deviceId: string): number {
    return this.#byDevice.get(deviceId)?.size ?? 0;
  }

  remove(session: Session): void {
    this.#all.delete(session);
    const { clientId } = session;
    if (clientId !== undefined && this.#byClientId.get(clientId) === session)
      this.#byClientId.delete(clientId);
    const siblings = this.#byDevice.get(session.identity.id);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#byDevice.delete(session.identity.id);
  }
}
