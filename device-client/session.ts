import { Connection, type SessionState } from "./connection.ts";
import { closedError, DeviceError } from "./errors.ts";
import type { VerifiedGateway } from "./gateway-dial.ts";
import { assertSameDevice, type DeviceIdentity } from "./identity.ts";
import { type Message, MqttLink } from "./mqtt-link.ts";
import { OfflineQueue, type Outgoing, type QoS } from "./offline-queue.ts";
import {
  assertTopicFilter,
  assertTopicName,
  type ConnectOptions,
  defaults,
  parseOptions,
  type Settings,
} from "./options.ts";
import { type DeviceSessionEvents, type DeviceSessionListener, SessionEvents } from "./session-events.ts";
import { parsePins } from "./session-options.ts";
import { type Granted, Subscriptions } from "./subscriptions.ts";

export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
}

/** One device's MQTT session over any number of connections. */
export class DeviceSession implements AsyncDisposable {
  readonly #events = new SessionEvents<DeviceSessionEvents>();
  readonly #queue: OfflineQueue;
  readonly #subscriptions = new Subscriptions(defaults.maxSubscriptions);
  readonly #connection: Connection<DeviceIdentity, VerifiedGateway, DeviceSessionEvents["connected"]>;
  readonly #settings: Settings;
  /** The gateway had kept the session. */
  #sessionPresent = false;
  /** Set while messages may be sent. */
  #link: MqttLink | undefined;
  #pumping = false;
  #closing: Promise<void> | undefined;

  /** Use `connect` or `openSession`. */
  constructor(options: ConnectOptions) {
    const settings = parseOptions(options);
    // Here, not in some attempt: no retry would ever help.
    options.identity.secureContext();
    this.#settings = settings;
    this.#queue = new OfflineQueue(settings.queue);
    let link: MqttLink | undefined;
    this.#connection = new Connection({
      who: options.identity,
      settings,
      line: (listener) => {
        link = new MqttLink(settings, { ...listener, message: (message) => this.#onMessage(message) });
        return link;
      },
      owner: {
        connected: (connected) => {
          this.#sessionPresent = connected.sessionPresent;
          this.#events.emit("connected", connected);
        },
        ready: () => link && this.#onReady(link),
        down: () => this.#onDown(),
        replaced: ({ certificate }) =>
          this.#events.emit("identity-replaced", { fingerprint: certificate.fingerprint }),
        emit: (event, value) => this.#events.emitCommon(event, value),
      },
    });
  }

  get state(): SessionState {
    return this.#connection.state;
  }

  /** The identity that the gateway accepted last, or the first one. */
  get identity(): DeviceIdentity {
    return this.#connection.who;
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
   * never sent twice, TypeError on a bad topic.
   */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const { qos = 0, retain = false } = options;
    assertTopicName(topic);
    assertQos(qos);
    // The caller may reuse its buffer, and the message may wait.
    const bytes = Uint8Array.from(typeof payload === "string" ? Buffer.from(payload) : payload);
    return new Promise((resolve, reject) => {
      if (this.#closing) return reject(closedError());
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
    if (this.#closing) throw closedError();
    return this.#subscriptions.subscribe(filter, qos);
  }

  /** Resolves at UNSUBACK. */
  async unsubscribe(filter: string): Promise<void> {
    assertTopicFilter(filter);
    if (this.#closing) throw closedError();
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
    if (this.#closing) throw closedError();
    assertSameDevice(this.identity, identity);
    parsePins(this.#settings.pins, identity.anchors);
    identity.secureContext();
    await this.#connection.replace(identity);
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

  #close(): Promise<void> {
    this.#link = undefined;
    this.#queue.rejectAll(closedError);
    this.#subscriptions.rejectAll(closedError);
    return this.#connection.close();
  }

  #onMessage(message: Message): boolean {
    if (!this.#events.listens("message")) return false;
    this.#events.emit("message", message);
    return true;
  }

  #onReady(link: MqttLink): void {
    this.#link = link;
    this.#subscriptions.connected(link, this.#sessionPresent, (filter, error) =>
      this.#events.emit("subscription-lost", { filter, error }),
    );
    this.#pump();
  }

  #onDown(): void {
    this.#link = undefined;
    this.#subscriptions.disconnected();
    // QoS 0 is at most once: what was handed over and not confirmed as written is not sent a second time.
    for (const message of this.#queue.flying((message) => message.qos === 0)) {
      this.#queue.settle(message);
      message.reject(
        new DeviceError("DEVICE_CONNECTION_LOST", "the connection ended before this was written"),
      );
    }
  }

  #pump(): void {
    // A QoS 0 message settles inside publish(): the outer loop goes on, the call stack does not grow.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#link && this.#queue.inFlight < this.#settings.maxInFlight) {
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
}

function assertQos(qos: number): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError("qos is 0, 1 or 2");
}
