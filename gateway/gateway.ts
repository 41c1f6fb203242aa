import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { CertificateList } from "../pki/index.ts";
import { Broker } from "./broker.ts";
import { Departed } from "./departed.ts";
import { GatewayError, type RefusalReason, refusal } from "./errors.ts";
import { connectionRefused, type GatewayEvent, type Refused, type SessionInfo } from "./events.ts";
import { claimedIdentity, type DeviceRegistry, identify } from "./identity.ts";
import { MqttConnection } from "./mqtt/connection.ts";
import { type GatewayOptions, type GatewaySettings, type Reloadable, readOptions } from "./options.ts";
import { AuthenticatedPeer, fingerprintOf } from "./peer.ts";
import { openPersistence, type SqlitePersistence } from "./persistence/index.ts";
import { RememberedRegistry } from "./remembered-registry.ts";
import { RevocationWatch } from "./revocation-watch.ts";
import { type JudgingSettings, SessionJudge } from "./session-judge.ts";
import { Session, Sessions } from "./sessions.ts";
import { TlsListener, type TlsMaterial } from "./tls.ts";
import { asRefusal, Trust } from "./trust.ts";

export interface Gateway extends AsyncDisposable {
  readonly mqttPort: number;
  on(event: "event", listener: (event: GatewayEvent) => void): this;
  off(event: "event", listener: (event: GatewayEvent) => void): this;
  /** The sessions that are open now. */
  sessions(): SessionInfo[];
  /**
   * Replaces certificates, revocation lists or the access policy while sessions go on. All of them are judged
   * again; those that would not be let in now are closed, the others keep running. The event "reloaded" tells
   * when that is done. @throws GatewayError, and then nothing has changed
   */
  reload(changes: Reloadable): void;
  /** Stops listening, flushes and closes sessions, and writes what is left to be written. */
  close(): Promise<void>;
}

/**
 * Starts a gateway: MQTT 3.1.1 over mutual TLS. There is no way in without a certificate that a path leads to
 * from `anchors` and that `registry` knows.
 * @throws GatewayError GATEWAY_OPTIONS_INVALID, _ACCESS_INVALID, _IDENTITY_INVALID, _STATE_*, _LISTEN_FAILED
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new MqttGateway(readOptions(options));
  try {
    await gateway.start();
  } catch (error) {
    await gateway.close().catch(() => undefined);
    throw error;
  }
  return gateway;
}

/** How often what departed devices left behind is looked for, in milliseconds. */
const departedIntervalMs = 2_000;
/** How long closed sessions may take to be let go of by the broker, in milliseconds. */
const lastWorkMs = 1_000;

class MqttGateway extends EventEmitter implements Gateway {
  /** Its `registry` is remembered, for judging peers; `#registry` is the one that the caller gave. */
  #settings: JudgingSettings;
  readonly #registry: DeviceRegistry;
  readonly #sessions = new Sessions();
  readonly #listener: TlsListener;
  readonly #judge: SessionJudge;
  #trust: Trust;
  #persistence: SqlitePersistence | undefined;
  #broker: Broker | undefined;
  #departed: Departed | undefined;
  #watches: readonly RevocationWatch[] = [];
  #closing: Promise<void> | undefined;
  mqttPort = 0;

  constructor(settings: GatewaySettings) {
    super();
    const { registry, identity, anchors, intermediates, crls, limits } = settings;
    this.#registry = registry;
    this.#settings = {
      ...settings,
      registry: new RememberedRegistry(registry, limits.validatedCertificates),
    };
    const material = { identity, anchors, intermediates };
    this.#trust = this.#trustIn(material, crls);
    this.#judge = new SessionJudge({
      sessions: this.#sessions,
      settings: () => this.#settings,
      onKicked: (session) => void this.#onKicked(session),
      onRegistryError: (error) => this.#onRegistryError(error),
    });
    this.#listener = new TlsListener(material, limits, {
      onSecure: (socket, address) => this.#onSecure(socket, address),
      onRefused: (reason, detail, address) => this.#tell(reason, detail, { address }),
    });
  }

  async start(): Promise<void> {
    const { limits, stateDirectory, host, mqttPort } = this.#settings;
    const registry = this.#registry;
    const persistence = await openPersistence(stateFile(stateDirectory), {
      limits: { messageBytes: limits.packetBytes, subscriptionsPerSession: limits.subscriptionsPerSession },
      onOverflow: ({ kind, clientId, topic, bytes }) =>
        this.#warn(`no room (${kind}) for a message of ${bytes} bytes to ${topic}, for ${clientId}`),
      onFailure: (error) =>
        this.#warn(
          "nothing is stored durably any more: QoS 1 and 2 are refused until the gateway is started again, once its disk has room and works",
          error,
        ),
    });
    this.#persistence = persistence;
    this.#departed = new Departed({
      registry,
      persistence,
      emit: (event) => this.#emit(event),
      rightsOf: (subject) => this.#settings.access.rightsOf(subject),
    });
    // What was revoked while no gateway ran leaves nothing behind for this one.
    for (const judge of this.#departed.subjects()) judge();
    this.#broker = await Broker.start({
      persistence,
      sessions: this.#sessions,
      limits,
      emit: (event) => this.#emit(event),
      observed: () => this.listenerCount("event") > 0,
      recheck: (session) => this.#judge.judgeIfChanged(session),
      refuse: (session, reason, detail, clientId) => this.#tellSession(session, reason, detail, clientId),
      mayFire: (will) => this.#departed?.mayFire(will) === true,
    });
    const departed = this.#departed;
    const changeCounter = () => this.#settings.registry.changeCounter();
    const onError = (error: unknown) => this.#onRegistryError(error);
    this.#watches = [
      new RevocationWatch({
        changeCounter,
        subjects: () => this.#judge.subjects(),
        onTick: () => this.#judge.endExpired(),
        onError,
      }),
      // What devices left behind hurts nobody at once, and there may be much of it.
      new RevocationWatch({
        changeCounter,
        subjects: () => departed.subjects(),
        onError,
        intervalMs: departedIntervalMs,
      }),
    ];
    this.mqttPort = await this.#listener.listen(host, mqttPort);
    // Told once whoever started the gateway had a chance to listen.
    setImmediate(() => this.#emit({ type: "listening", host, port: this.mqttPort }));
  }

  sessions(): SessionInfo[] {
    return [...this.#sessions]
      .filter((one) => one.opened && !one.connection.destroyed)
      .map((one) => one.info());
  }

  reload(changes: Reloadable): void {
    // Whatever is wrong is found here, before anything is replaced.
    const { registry } = this.#settings;
    // A change spelled `undefined` is none: it must not bring a default back, as of no revocation list at all.
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings = { ...readOptions({ ...this.#settings, ...given }), registry };
    const { identity, anchors, intermediates } = settings;
    const material = { identity, anchors, intermediates };
    this.#listener.reload(material);
    this.#settings = settings;
    this.#trust = this.#trustIn(material, settings.crls);
    void this.#judgeAll();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- a connection's way in ---

  #onSecure(socket: TLSSocket, address: string): void {
    socket.on("error", () => {
      // The close that follows is what counts.
    });
    let peer: AuthenticatedPeer | undefined;
    try {
      if (this.#closing !== undefined) throw refusal("gateway_stopping");
      peer = AuthenticatedPeer.authenticate(socket, this.#trust, address);
      this.#admit(socket, peer, address);
    } catch (error) {
      const { reason = "certificate_refused", message } = asRefusal(error);
      const deviceId = peer && claimedIdentity(peer);
      const shown = socket.getPeerX509Certificate();
      const fingerprint = peer?.leaf.fingerprint ?? (shown && fingerprintOf(shown));
      socket.destroy();
      this.#tell(reason, message, { address, deviceId, fingerprint });
    }
  }

  #admit(socket: TLSSocket, peer: AuthenticatedPeer, address: string): void {
    const { registry, trustDomain, limits, now } = this.#settings;
    // Read first: a change while the peer is judged has it judged again at its CONNECT.
    const judgedAt = registry.recentCounter();
    const identity = identify(peer, registry, now(), trustDomain);
    const connection = new MqttConnection(socket, address, limits);
    const session = new Session(
      connection,
      peer,
      identity,
      this.#settings.access.rightsOf(identity),
      now(),
      judgedAt,
    );
    this.#sessions.add(session);
    connection.once("close", () => this.#onClosed(session));
    this.#broker?.accept(session);
  }

  #onClosed(session: Session): void {
    void session.released.then(() => this.#sessions.remove(session));
    const { reason, detail } = endOf(session);
    if (session.opened) this.#emit({ type: "session.closed", session: session.info(), reason, detail });
    else this.#tellSession(session, reason, detail, session.clientId);
  }

  /** What its device left behind goes at once, when the device has lost its last certificate. */
  async #onKicked(session: Session): Promise<void> {
    await session.released;
    try {
      this.#departed?.judge(session.identity.id);
    } catch (error) {
      this.#onRegistryError(error);
    }
  }

  async #judgeAll(): Promise<void> {
    const { kept, closed } = await this.#judge.judgeAll(this.#trust);
    this.#emit({ type: "reloaded", sessionsKept: kept, sessionsClosed: closed });
  }

  async #close(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    this.#listener.stop();
    for (const session of this.#sessions) session.connection.end("gateway_stopping", "the gateway stops");
    const deadline = performance.now() + this.#settings.limits.closeTimeoutMs;
    while (this.#listener.openSockets > 0 && performance.now() < deadline) {
      await delay(10);
    }
    this.#listener.destroyAll();
    const released = Promise.all([...this.#sessions].map((session) => session.released));
    await Promise.race([released, delay(lastWorkMs, undefined, { ref: false })]);
    await this.#broker?.close();
    await this.#persistence?.destroy();
    this.#emit({ type: "closed" });
  }

  // --- events ---

  #trustIn({ anchors, intermediates }: TlsMaterial, crls: readonly CertificateList[]): Trust {
    const { now, limits } = this.#settings;
    return new Trust({ anchors, intermediates, crls, now, remembered: limits.validatedCertificates });
  }

  #emit(event: GatewayEvent): void {
    this.emit("event", event);
  }

  #warn(detail: string, cause?: unknown): void {
    this.#emit({ type: "warning", detail, ...(cause === undefined ? {} : { cause }) });
  }

  #onRegistryError(error: unknown): void {
    this.#warn("the registry cannot be asked", error);
  }

  #tellSession(session: Session, reason: RefusalReason, detail: string, clientId?: string): void {
    if (session.refusalTold) return;
    session.refusalTold = true;
    const { id: deviceId, fingerprint } = session.identity;
    this.#tell(reason, detail, { address: session.connection.address, deviceId, fingerprint, clientId });
  }

  #tell(reason: RefusalReason, detail: string, about: Refused): void {
    this.#emit(connectionRefused(reason, detail, about));
  }
}

function endOf(session: Session): { reason: RefusalReason; detail: string } {
  if (session.connection.saidDisconnect && session.connection.endReason === undefined) {
    return { reason: "client_disconnect", detail: "" };
  }
  return session.connection.endReason ?? { reason: "connection_lost", detail: "" };
}

function stateFile(directory: string | undefined): string | undefined {
  if (directory === undefined) return undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GatewayError("GATEWAY_STATE_FAILED", `the state directory ${directory} cannot be made`, {
      cause: error,
    });
  }
  return join(directory, "broker.sqlite");
}
