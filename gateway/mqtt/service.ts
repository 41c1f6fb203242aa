import { mkdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { Broker } from "../broker.ts";
import type { GatewayContext } from "../context.ts";
import { Departed } from "../departed.ts";
import { GatewayError, type RefusalReason, refusal } from "../errors.ts";
import { claimedIdentity } from "../identity.ts";
import { AuthenticatedPeer, fingerprintOf } from "../peer.ts";
import { openPersistence, type SqlitePersistence } from "../persistence/index.ts";
import type { Session } from "../session.ts";
import { TlsListener, type TlsMaterial } from "../tls.ts";
import { asRefusal } from "../trust.ts";
import { MqttConnection } from "./connection.ts";
import { MqttSession, MqttSessions } from "./session.ts";
import { TlsWatch, watchIntervalMs } from "./tls-watch.ts";

/** How long closed sessions may take to be let go of by the broker, in milliseconds. */
const lastWorkMs = 1_000;

/** The gateway's MQTT side: the TLS listener, the broker, and what is stored for devices that are away. */
export class MqttService {
  readonly sessions = new MqttSessions();
  readonly #context: GatewayContext;
  readonly #listener: TlsListener;
  #persistence: SqlitePersistence | undefined;
  #broker: Broker | undefined;
  #departed: Departed | undefined;
  #closing = false;
  #overheadTimer: NodeJS.Timeout | undefined;
  port = 0;

  /** @throws GatewayError GATEWAY_IDENTITY_INVALID */
  constructor(context: GatewayContext, material: TlsMaterial) {
    this.#context = context;
    this.#listener = new TlsListener(material, context.gatekeeper.settings.limits, {
      onSecure: (socket, tcp, address) => this.#onSecure(socket, tcp, address),
      onRefused: (reason, detail, address) => context.refused(reason, detail, { transport: "mqtt", address }),
    });
  }

  /** @throws GatewayError GATEWAY_STATE_*, GATEWAY_LISTEN_FAILED */
  async start(): Promise<void> {
    const { gatekeeper, judge, registry, emit, observed, warn } = this.#context;
    const { limits, stateDirectory, host, mqttPort } = gatekeeper.settings;
    const persistence = await openPersistence(stateFile(stateDirectory), {
      limits: { messageBytes: limits.packetBytes, subscriptionsPerSession: limits.subscriptionsPerSession },
      onOverflow: ({ kind, clientId, topic, bytes }) =>
        warn(`no room (${kind}) for a message of ${bytes} bytes to ${topic}, for ${clientId}`),
      onFailure: (error) =>
        warn(
          "nothing is stored durably any more: QoS 1 and 2 are refused until the gateway is started again, once its disk has room and works",
          error,
        ),
    });
    this.#persistence = persistence;
    this.#departed = new Departed({
      registry,
      persistence,
      emit,
      rightsOf: (subject) => gatekeeper.settings.access.rightsOf(subject),
    });
    // What was revoked while no gateway ran leaves nothing behind for this one.
    for (const judgeDeparted of this.#departed.subjects()) judgeDeparted();
    this.#broker = await Broker.start({
      persistence,
      sessions: this.sessions,
      limits,
      emit,
      observed,
      recheck: (session) => judge.judgeIfChanged(session),
      refuse: (session, reason, detail, clientId) => this.#refused(session, reason, detail, clientId),
      mayFire: (will) => this.#departed?.mayFire(will) === true,
    });
    this.port = await this.#listener.listen(host, mqttPort);
    this.#overheadTimer = setInterval(() => this.#checkOverhead(), watchIntervalMs).unref();
  }

  /** One judgement for each device that something is stored of. */
  departedSubjects(): Iterable<() => void> {
    return this.#departed?.subjects() ?? [];
  }

  /** Presents `material` from the next handshake on. @throws GatewayError GATEWAY_IDENTITY_INVALID */
  reload(material: TlsMaterial): void {
    this.#listener.reload(material);
  }

  /** What its device left behind goes at once, when the device has lost its last certificate. */
  async onKicked(session: Session): Promise<void> {
    await session.released;
    try {
      this.#departed?.judge(session.identity.id);
    } catch (error) {
      this.#context.onRegistryError(error);
    }
  }

  /** Flushes and closes sessions, and writes what is left to be written. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#listener.stop();
    for (const session of this.sessions) session.connection.end("gateway_stopping", "the gateway stops");
    const deadline = performance.now() + this.#context.gatekeeper.settings.limits.closeTimeoutMs;
    while (this.#listener.openSockets > 0 && performance.now() < deadline) {
      await delay(10);
    }
    this.#listener.destroyAll();
    clearInterval(this.#overheadTimer);
    const released = Promise.all([...this.sessions].map((session) => session.released));
    await Promise.race([released, delay(lastWorkMs, undefined, { ref: false })]);
    await this.#broker?.close();
    await this.#persistence?.destroy();
  }

  #onSecure(socket: TLSSocket, tcp: Socket, address: string): void {
    socket.on("error", () => {
      // The close that follows is what counts.
    });
    const { gatekeeper, refused } = this.#context;
    let peer: AuthenticatedPeer | undefined;
    try {
      if (this.#closing) throw refusal("gateway_stopping");
      peer = AuthenticatedPeer.authenticate(socket, gatekeeper.trust, address);
      const admitted = gatekeeper.admit(peer);
      const { limits } = gatekeeper.settings;
      const watch = new TlsWatch(socket, tcp, limits.tlsOverheadBytes);
      const connection = new MqttConnection(socket, address, limits, watch);
      const session = new MqttSession(connection, admitted);
      this.sessions.add(session);
      connection.once("close", () => this.#onClosed(session));
      this.#broker?.accept(session);
    } catch (error) {
      const { reason = "certificate_refused", message } = asRefusal(error);
      const deviceId = peer && claimedIdentity(peer.leaf);
      const shown = socket.getPeerX509Certificate();
      const fingerprint = peer?.leaf.fingerprint ?? (shown && fingerprintOf(shown));
      socket.destroy();
      refused(reason, message, { transport: "mqtt", address, deviceId, fingerprint });
    }
  }

  #checkOverhead(): void {
    const now = performance.now();
    for (const session of this.sessions) session.connection.checkOverhead(now);
  }

  #onClosed(session: MqttSession): void {
    void session.released.then(() => this.sessions.remove(session));
    const { reason, detail } = endOf(session);
    if (session.opened)
      this.#context.emit({ type: "session.closed", session: session.info(), reason, detail });
    else this.#refused(session, reason, detail, session.clientId);
  }

  #refused(session: MqttSession, reason: RefusalReason, detail: string, clientId?: string): void {
    if (session.refusalTold) return;
    session.refusalTold = true;
    const { transport, address, identity } = session;
    const { id: deviceId, fingerprint } = identity;
    this.#context.refused(reason, detail, { transport, address, deviceId, fingerprint, clientId });
  }
}

function endOf(session: MqttSession): { reason: RefusalReason; detail: string } {
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
