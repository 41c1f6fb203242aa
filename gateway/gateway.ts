import { EventEmitter } from "node:events";
import type { CertificateList } from "../pki/index.ts";
import type { GatewayContext } from "./context.ts";
import { DtlsService, defaultDtlsPort } from "./dtls/service.ts";
import { connectionRefused, type GatewayEvent, type SessionInfo } from "./events.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import type { DeviceRegistry } from "./identity.ts";
import { MqttService } from "./mqtt/service.ts";
import { type GatewayOptions, type GatewaySettings, type Reloadable, readOptions } from "./options.ts";
import { RememberedRegistry } from "./remembered-registry.ts";
import { RevocationWatch } from "./revocation-watch.ts";
import type { Session } from "./session.ts";
import { SessionJudge } from "./session-judge.ts";
import type { TlsMaterial } from "./tls.ts";
import { Trust } from "./trust.ts";

export interface Gateway extends AsyncDisposable {
  readonly mqttPort: number;
  /** Undefined: there is no DTLS. */
  readonly dtlsPort: number | undefined;
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
 * Starts a gateway: MQTT 3.1.1 over mutual TLS, and where `dtlsPort` is given DTLS 1.2. There is no way in without a certificate that a path leads to
 * from `anchors` and that `registry` knows.
 * @throws GatewayError GATEWAY_OPTIONS_INVALID, _ACCESS_INVALID, _IDENTITY_INVALID, _STATE_*, _LISTEN_FAILED
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(readOptions(options));
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

class RunningGateway extends EventEmitter implements Gateway {
  /** As the caller gave it; peers are judged by one that remembers its answers. */
  readonly #registry: DeviceRegistry;
  readonly #gatekeeper: Gatekeeper;
  readonly #judge: SessionJudge;
  readonly #mqtt: MqttService;
  #dtls: DtlsService | undefined;
  #watches: readonly RevocationWatch[] = [];
  /** Events of the start, for whom `startGateway` has not returned to yet. */
  #early: GatewayEvent[] | undefined = [];
  #closing: Promise<void> | undefined;

  constructor(settings: GatewaySettings) {
    super();
    const { registry, limits } = settings;
    this.#registry = registry;
    const remembered = new RememberedRegistry(registry, limits.validatedCertificates);
    this.#gatekeeper = new Gatekeeper(
      { ...settings, registry: remembered },
      trustIn(settings, settings.crls),
    );
    this.#judge = new SessionJudge({
      gatekeeper: this.#gatekeeper,
      sessions: () => this.#sessions(),
      onKicked: (session) => void this.#mqtt.onKicked(session),
      onRegistryError: (error) => this.#onRegistryError(error),
    });
    this.#mqtt = new MqttService(this.#context(), materialOf(settings));
  }

  get mqttPort(): number {
    return this.#mqtt.port;
  }

  get dtlsPort(): number | undefined {
    return this.#dtls?.port;
  }

  async start(): Promise<void> {
    await this.#mqtt.start();
    // After it: the broker's lock on the state directory covers the sessions that are kept there.
    await this.#startDtls();
    const changeCounter = () => this.#gatekeeper.settings.registry.changeCounter();
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
        subjects: () => this.#mqtt.departedSubjects(),
        onError,
        intervalMs: departedIntervalMs,
      }),
    ];
    // Told once whoever started the gateway had a chance to listen.
    setImmediate(() => this.#tellStart());
  }

  sessions(): SessionInfo[] {
    return [...this.#sessions()].filter((one) => one.opened && !one.ended).map((one) => one.info());
  }

  reload(changes: Reloadable): void {
    // Whatever is wrong is found here, before anything is replaced.
    const { settings: current } = this.#gatekeeper;
    // A change spelled `undefined` is none: it must not bring a default back, as of no revocation list at all.
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const settings = { ...readOptions({ ...current, ...given }), registry: current.registry };
    const presentOverDtls = this.#dtls?.prepare(settings.identity);
    this.#mqtt.reload(materialOf(settings));
    presentOverDtls?.();
    this.#gatekeeper.replace(settings, trustIn(settings, settings.crls));
    void this.#judgeAll();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  *#sessions(): Generator<Session> {
    yield* this.#mqtt.sessions;
    if (this.#dtls !== undefined) yield* this.#dtls.sessions;
  }

  async #startDtls(): Promise<void> {
    const { dtlsPort, identity } = this.#gatekeeper.settings;
    if (dtlsPort === undefined) return;
    try {
      const dtls = new DtlsService(this.#context(), identity);
      // Restored sessions are judged while it starts.
      this.#dtls = dtls;
      await dtls.start(dtlsPort === "if-free" ? defaultDtlsPort : dtlsPort);
    } catch (error) {
      if (dtlsPort !== "if-free") throw error;
      this.#dtls = undefined;
      const why = error instanceof Error ? error.message : String(error);
      this.#warn(`there is no DTLS: ${why}`);
    }
  }

  async #judgeAll(): Promise<void> {
    const { kept, closed } = await this.#judge.judgeAll();
    this.#emit({ type: "reloaded", sessionsKept: kept, sessionsClosed: closed });
  }

  async #close(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    await this.#dtls?.close();
    await this.#mqtt.close();
    this.#emit({ type: "closed" });
  }

  // --- what the transports get ---

  #context(): GatewayContext {
    return {
      gatekeeper: this.#gatekeeper,
      judge: this.#judge,
      registry: this.#registry,
      emit: (event) => this.#emit(event),
      observed: () => this.listenerCount("event") > 0,
      refused: (reason, detail, about) => this.#emit(connectionRefused(reason, detail, about)),
      warn: (detail, cause) => this.#warn(detail, cause),
      onRegistryError: (error) => this.#onRegistryError(error),
    };
  }

  #tellStart(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    const { host } = this.#gatekeeper.settings;
    this.#emit({ type: "listening", transport: "mqtt", host, port: this.mqttPort });
    if (this.dtlsPort !== undefined) {
      this.#emit({ type: "listening", transport: "dtls", host, port: this.dtlsPort });
    }
    for (const event of early) this.#emit(event);
  }

  #emit(event: GatewayEvent): void {
    if (this.#early === undefined) this.emit("event", event);
    else this.#early.push(event);
  }

  #warn(detail: string, cause?: unknown): void {
    this.#emit({ type: "warning", detail, ...(cause === undefined ? {} : { cause }) });
  }

  #onRegistryError(error: unknown): void {
    this.#warn("the registry cannot be asked", error);
  }
}

function materialOf({ identity, anchors, intermediates }: GatewaySettings): TlsMaterial {
  return { identity, anchors, intermediates };
}

function trustIn(settings: GatewaySettings, crls: readonly CertificateList[]): Trust {
  const { anchors, intermediates, now, limits } = settings;
  return new Trust({ anchors, intermediates, crls, now, remembered: limits.validatedCertificates });
}
