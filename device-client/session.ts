import { Backoff } from "./backoff.ts";
import { DeviceError, type DeviceErrorCode, textOf } from "./errors.ts";
import { VerifiedGateway } from "./gateway-dial.ts";
import { assertSameDevice, type DeviceIdentity } from "./identity.ts";
import { MqttLink } from "./mqtt-link.ts";
import { OfflineQueue, type Outgoing, type QoS } from "./offline-queue.ts";
import {
  assertTopicFilter,
  assertTopicName,
  type ConnectOptions,
  defaults,
  parseOptions,
  parsePins,
  type Settings,
} from "./options.ts";
import { type DeviceSessionEvents, type DeviceSessionListener, SessionEvents } from "./session-events.ts";
import { type Granted, Subscriptions } from "./subscriptions.ts";

export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
}

/** `waiting`: between two attempts. */
export type SessionState = "connecting" | "connected" | "waiting" | "closed";

/** An identity on its way in, until the gateway has accepted or refused it. */
interface Candidate {
  readonly identity: DeviceIdentity;
  readonly resolve: () => void;
  readonly reject: (error: DeviceError) => void;
}

/**
 * One device's MQTT session over any number of connections.
 *
 * Every attempt, the first as the thousandth, is a full TLS handshake under the same rules: nothing is relaxed
 * however often it fails.
 */
export class DeviceSession implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #events = new SessionEvents();
  readonly #queue: OfflineQueue;
  readonly #subscriptions = new Subscriptions(defaults.maxSubscriptions);
  readonly #backoff: Backoff;
  readonly #link: MqttLink;
  #identity: DeviceIdentity;
  #candidate: Candidate | undefined;
  #state: SessionState = "connecting";
  /** Acknowledgements of the last connection's messages are in: new ones may be sent. */
  #ready = false;
  #sessionPresent = false;
  #gateway: VerifiedGateway | undefined;
  /** Aborts the dial under way. */
  #dial: AbortController | undefined;
  /** The timer of the current state: deadline, stability or delay. */
  #cancelTimer = () => {};
  /** The connection is being ended to start again at once, under another identity. */
  #restarting = false;
  #pumping = false;
  #closing: Promise<void> | undefined;
  #closed: (() => void) | undefined;

  /** Use `connect` or `openSession`. */
  constructor(options: ConnectOptions) {
    this.#settings = parseOptions(options);
    this.#identity = options.identity;
    const { reconnect, random, queue } = this.#settings;
    this.#queue = new OfflineQueue(queue);
    this.#backoff = new Backoff({ minMs: reconnect.minMs, maxMs: reconnect.maxMs, random });
    this.#link = new MqttLink(this.#settings, {
      accepted: (sessionPresent) => this.#onAccepted(sessionPresent),
      ready: () => this.#onReady(),
      message: (message) => {
        if (!this.#events.listens("message")) return false;
        this.#events.emit("message", message);
        return true;
      },
      closed: (error) => this.#onClosed(error),
    });
    void this.#attempt();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The identity that the gateway accepted last, or the first one. */
  get identity(): DeviceIdentity {
    return this.#identity;
  }

  /** Messages that are not settled: waiting for the gateway, in flight, and their octets together. */
  get pending(): { readonly waiting: number; readonly inFlight: number; readonly bytes: number } {
    const { waiting, inFlight, bytes } = this.#queue;
    return { waiting, inFlight, bytes };
  }

  on<K extends keyof DeviceSessionEvents>(event: K, listener: DeviceSessionListener<K>): this {
    this.#events.on(event, listener);
    return this;
  }

  once<K extends keyof DeviceSessionEvents>(event: K, listener: DeviceSessionListener<K>): this {
    this.#events.once(event, listener);
    return this;
  }

  off<K extends keyof DeviceSessionEvents>(event: K, listener: DeviceSessionListener<K>): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Publishes, now or once connected. Resolves when QoS 0 is written to the connection, when QoS 1 and 2 are
   * acknowledged, which may be after any number of reconnects; the queue is kept in memory.
   *
   * Rejects with DEVICE_QUEUE_FULL, DEVICE_CLOSED, or for QoS 0 DEVICE_CONNECTION_LOST, since a QoS 0 message is
   * never sent twice. Throws TypeError on a bad topic.
   */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { qos = 0, retain = false } = options;
    assertTopicName(topic);
    assertQos(qos);
    // The caller may reuse its buffer, and the message may wait.
    const bytes = Uint8Array.from(typeof payload === "string" ? Buffer.from(payload) : payload);
    return new Promise((resolve, reject) => {
      if (this.#state === "closed") return reject(closedError());
      this.#queue.add({ topic, payload: bytes, qos, retain, resolve, reject });
      this.#pump();
    });
  }

  /**
   * Subscribes, now or once connected; resolves at SUBACK with the granted QoS. The subscription is renewed by
   * itself when the gateway has lost the session. Throws DEVICE_SUBSCRIBE_REFUSED, DEVICE_QUEUE_FULL, DEVICE_CLOSED.
   */
  async subscribe(filter: string, options: { readonly qos?: QoS } = {}): Promise<Granted> {
    const { qos = 0 } = options;
    assertTopicFilter(filter);
    assertQos(qos);
    if (this.#state === "closed") throw closedError();
    return this.#subscriptions.subscribe(filter, qos);
  }

  /** Resolves at UNSUBACK. */
  async unsubscribe(filter: string): Promise<void> {
    assertTopicFilter(filter);
    if (this.#state === "closed") throw closedError();
    await this.#subscriptions.unsubscribe(filter);
  }

  /**
   * Goes on under a new key and certificate of the same device. Resolves once the gateway has accepted them.
   *
   * The connection is ended with DISCONNECT and opened again; the gateway keeps the session, and messages in flight
   * are sent again under the new identity. If the gateway refuses the new identity, or its trust anchors do not
   * accept the gateway, this rejects with that reason and the session goes on under the previous one. While the
   * gateway is out of reach it waits.
   */
  async replaceIdentity(identity: DeviceIdentity): Promise<void> {
    if (this.#state === "closed") throw closedError();
    assertSameDevice(this.#identity, identity);
    parsePins(this.#settings.pins, identity.anchors);
    if (this.#candidate)
      throw new DeviceError("DEVICE_IDENTITY_BUSY", "a change of identity is already under way");
    await new Promise<void>((resolve, reject) => {
      this.#candidate = { identity, resolve, reject };
      this.#restart();
    });
  }

  /**
   * Ends the session with DISCONNECT. Unsettled publishes and subscribes reject with DEVICE_CLOSED: await them first.
   * The gateway keeps a session that is not clean for the next connect.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- connecting

  async #attempt(): Promise<void> {
    const { gateway, pins, crls, revocation, now, connectTimeoutMs } = this.#settings;
    const identity = this.#candidate?.identity ?? this.#identity;
    const dial = new AbortController();
    this.#state = "connecting";
    this.#dial = dial;
    this.#setTimer(connectTimeoutMs, () => {
      const error = new DeviceError(
        "DEVICE_TIMEOUT",
        `no session with ${gateway.host}:${gateway.port} within ${connectTimeoutMs} ms`,
      );
      dial.abort(error);
      if (this.#gateway) this.#link.drop(error);
    });
    try {
      const secureContext = identity.secureContext();
      const rules = { anchors: identity.anchors, pins, crls, revocation, now };
      const verified = await VerifiedGateway.dial({
        ...gateway,
        ...rules,
        secureContext,
        signal: dial.signal,
      });
      if (dial.signal.aborted) {
        verified.socket.destroy();
        throw dial.signal.reason;
      }
      this.#gateway = verified;
      this.#link.attach(verified);
    } catch (error) {
      this.#onLost(error instanceof DeviceError ? error : unexpected(error), false);
    }
  }

  #onAccepted(sessionPresent: boolean): void {
    const gateway = this.#gateway;
    if (!gateway || this.#closing) return;
    this.#state = "connected";
    this.#sessionPresent = sessionPresent;
    this.#setTimer(this.#settings.reconnect.stableAfterMs, () => this.#backoff.reset());
    const candidate = this.#candidate;
    if (candidate) {
      this.#candidate = undefined;
      this.#identity = candidate.identity;
      candidate.resolve();
    }
    this.#events.emit("connected", {
      sessionPresent,
      fingerprint: gateway.path.leaf.fingerprint,
      protocol: gateway.protocol,
      cipher: gateway.cipher,
    });
    if (candidate) {
      this.#events.emit("identity-replaced", { fingerprint: this.#identity.certificate.fingerprint });
    }
  }

  #onReady(): void {
    if (this.#closing || this.#restarting) return;
    this.#ready = true;
    this.#subscriptions.connected(this.#link, this.#sessionPresent, (filter, error) =>
      this.#events.emit("subscription-lost", { filter, error }),
    );
    this.#pump();
  }

  #onClosed(error: DeviceError | undefined): void {
    const wasAccepted = this.#state === "connected";
    this.#gateway = undefined;
    this.#ready = false;
    this.#subscriptions.disconnected();
    // QoS 0 is at most once: what was handed over and not confirmed as written is not sent a second time.
    for (const message of this.#queue.flying((message) => message.qos === 0)) {
      this.#queue.settle(message);
      message.reject(
        new DeviceError("DEVICE_CONNECTION_LOST", "the connection ended before this was written"),
      );
    }
    this.#onLost(error, wasAccepted);
  }

  /** An attempt or an accepted connection has ended: what comes next? */
  #onLost(error: DeviceError | undefined, wasAccepted: boolean): void {
    this.#cancelTimer();
    this.#dial = undefined;
    if (this.#closing) {
      if (wasAccepted) this.#events.emit("disconnected", { reason: undefined });
      return this.#closed?.();
    }
    this.#state = "waiting";
    if (wasAccepted) this.#events.emit("disconnected", { reason: this.#restarting ? undefined : error });
    if (this.#restarting) {
      this.#restarting = false;
      return void this.#attempt();
    }
    const reason =
      error ?? new DeviceError("DEVICE_CONNECTION_LOST", "the connection to the gateway was lost");
    const refused = isRefusal(reason) && !wasAccepted;
    const candidate = refused ? this.#candidate : undefined;
    if (candidate) {
      this.#candidate = undefined;
      candidate.reject(reason);
    }
    if (refused) this.#events.emit("refused", { error: reason });
    // A listener may have closed the session. The previous identity has no reason to wait long.
    if (!this.#closing)
      this.#wait(reason, candidate === undefined && reason.retry === "slowly" ? "slowly" : "soon");
  }

  #wait(reason: DeviceError, pace: "soon" | "slowly"): void {
    const delayMs = this.#backoff.next(pace);
    this.#setTimer(delayMs, () => void this.#attempt());
    this.#events.emit("reconnecting", { attempt: this.#backoff.attempt, delayMs, reason });
  }

  /** Ends whatever is under way, to begin again at once. */
  #restart(): void {
    const again = new DeviceError("DEVICE_CONNECTION_LOST", "begun again under a new identity");
    this.#ready = false;
    if (this.#state === "waiting") {
      this.#cancelTimer();
      void this.#attempt();
      return;
    }
    this.#restarting = true;
    if (this.#state === "connected") this.#link.disconnect();
    else if (this.#gateway) this.#link.drop(again);
    else this.#dial?.abort(again);
  }

  async #close(): Promise<void> {
    const over = new Promise<void>((resolve) => (this.#closed = resolve));
    const idle = this.#state === "waiting";
    this.#cancelTimer();
    this.#ready = false;
    this.#queue.rejectAll(closedError);
    this.#subscriptions.rejectAll(closedError);
    this.#candidate?.reject(closedError());
    this.#candidate = undefined;
    if (this.#gateway) this.#link.disconnect();
    else if (!idle) this.#dial?.abort(closedError());
    if (!idle) await over;
    this.#state = "closed";
    this.#link.end();
    this.#events.emit("closed", undefined);
  }

  // --- messages

  #pump(): void {
    // A QoS 0 message settles inside publish(): the outer loop goes on, the call stack does not grow.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#ready && this.#queue.inFlight < this.#settings.maxInFlight) {
      const message = this.#queue.take();
      if (!message) break;
      this.#link.publish(message, (error) => this.#published(message, error));
    }
    this.#pumping = false;
  }

  #published(message: Outgoing, error: Error | undefined): void {
    if (error && message.qos > 0) {
      // Not acknowledged, and no longer with mqtt.js: it is ours to send again, on the next connection.
      return this.#queue.restore(message);
    }
    if (this.#queue.settle(message)) {
      if (error) message.reject(new DeviceError("DEVICE_CONNECTION_LOST", error.message, { cause: error }));
      else message.resolve();
    }
    this.#pump();
  }

  #setTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#settings.startTimer(callback, delayMs);
  }
}

/** One side did not accept the other, as against not reaching it. */
function isRefusal(error: DeviceError): boolean {
  return refusals.has(error.code);
}

const refusals: ReadonlySet<DeviceErrorCode> = new Set<DeviceErrorCode>([
  "DEVICE_REFUSED",
  "DEVICE_GATEWAY_UNTRUSTED",
  "DEVICE_GATEWAY_NAME_MISMATCH",
  "DEVICE_PIN_MISMATCH",
  "DEVICE_TLS_FAILED",
]);

function closedError(): DeviceError {
  return new DeviceError("DEVICE_CLOSED", "the session was closed");
}

function unexpected(thrown: unknown): DeviceError {
  return new DeviceError("DEVICE_TLS_FAILED", `TLS could not start: ${textOf(thrown)}`, { cause: thrown });
}

function assertQos(qos: number): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError("qos is 0, 1 or 2");
}
