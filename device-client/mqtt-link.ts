import type { TLSSocket } from "node:tls";
import { type IConnackPacket, type IPublishPacket, MqttClient, type Packet } from "mqtt";
import type { Line, LineListener } from "./connection.ts";
import { DeviceError, errorOf, textOf } from "./errors.ts";
import { dialError, VerifiedGateway } from "./gateway-dial.ts";
import type { DeviceIdentity } from "./identity.ts";
import type { Outgoing, QoS } from "./offline-queue.ts";
import type { Settings } from "./options.ts";
import { PacketLimit } from "./packet-limit.ts";
import type { DeviceSessionEvents } from "./session-events.ts";
import { TlsWatch } from "./tls-watch.ts";

/** A message from the gateway. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** MQTT 3.1.1 §3.3.1.1: may have been delivered before. */
  readonly dup: boolean;
}

/**
 * What a link tells its session: `accepted` at CONNACK with return code 0, when messages that were in flight are about
 * to be sent again; `ready` when all of those are acknowledged and new messages may follow.
 */
export interface MqttLinkListener extends LineListener<DeviceSessionEvents["connected"]> {
  /** False: nobody listens yet. */
  message(message: Message): boolean;
}

/** QoS 2 messages that the gateway may leave between PUBLISH and PUBREL. */
const maxIncomingQos2 = 1_000;
/** How long the gateway may take to close after our DISCONNECT. */
const lingerMs = 2_000;

/**
 * MQTT 3.1.1 over one verified connection after another.
 *
 * mqtt.js encodes, decodes, keeps alive and holds QoS 1 and 2 messages until they are acknowledged, across
 * connections. Connecting, reconnecting, subscribing again and queueing are not left to it: it gets a socket only
 * as a VerifiedGateway, and never opens one.
 */
export class MqttLink implements Line<DeviceIdentity, VerifiedGateway> {
  readonly #settings: Settings;
  readonly #listener: MqttLinkListener;
  readonly #client: MqttClient;
  readonly #incomingQos2 = new Set<number>();
  #gateway: VerifiedGateway | undefined;
  #accepted = false;
  #ending = false;
  #error: DeviceError | undefined;
  #cancelLinger = () => {};

  constructor(settings: Settings, listener: MqttLinkListener) {
    this.#settings = settings;
    this.#listener = listener;
    const { will } = settings;
    this.#client = new MqttClient(() => this.#stream(), {
      manualConnect: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      protocolVersion: 4,
      clientId: settings.clientId,
      clean: settings.cleanSession,
      keepalive: settings.keepaliveSeconds,
      // The session's own deadline comes first.
      connectTimeout: settings.connectTimeoutMs * 2,
      timerVariant: "native",
      log: () => {},
      ...(will && { will: { ...will, payload: bytesOf(will.payload) } }),
    });
    this.#client.on("packetreceive", (packet) => this.#received(packet));
    this.#client.on("connect", () => {
      if (this.#accepted && !this.#gateway?.socket.destroyed) this.#listener.ready();
    });
    this.#client.on("error", (error) => this.#failed(error));
    this.#client.on("close", () => this.#closed());
    // mqtt.js acknowledges once this calls back, and reads no further packet until then.
    this.#client.handleMessage = (packet, acknowledge) => this.#deliver(packet, acknowledge);
  }

  async dial(identity: DeviceIdentity, signal: AbortSignal): Promise<VerifiedGateway> {
    const { gateway, pins, crls, revocation, now } = this.#settings;
    const rules = { anchors: identity.anchors, pins, crls, revocation, now };
    const secureContext = identity.secureContext();
    return VerifiedGateway.dial({ ...gateway, ...rules, secureContext, signal });
  }

  abandon(gateway: VerifiedGateway): void {
    gateway.socket.destroy();
  }

  /** Sends CONNECT. */
  attach(gateway: VerifiedGateway): void {
    this.#gateway = gateway;
    this.#accepted = false;
    this.#ending = false;
    this.#error = undefined;
    this.#client.connect();
  }

  /** `done` without an error: QoS 0 written, QoS 1 and 2 acknowledged. Only while ready. */
  publish(message: Outgoing, done: (error?: Error) => void): void {
    const { topic, qos, retain } = message;
    this.#client.publish(topic, bytesOf(message.payload), { qos, retain }, (error) =>
      done(error ?? undefined),
    );
  }

  /** The granted QoS, or 128. Rejects with another error if the connection ends first. Only while ready. */
  async subscribe(filter: string, qos: QoS): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#client.subscribe(filter, { qos }, (error, granted, packet) => {
        const code = packet?.granted[0];
        if (typeof code === "number") resolve(code);
        else reject(error ?? new Error("SUBACK without a return code"));
      });
    });
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#client.unsubscribeAsync(filter);
  }

  /** With DISCONNECT, so that no will is published. */
  disconnect(): void {
    const socket = this.#gateway?.socket;
    if (!socket || this.#ending) return;
    this.#ending = true;
    // MQTT 3.1.1 §3.14: fixed header 0xE0, remaining length 0. Before CONNACK it may follow too (§3.1.4), and
    // keeps a gateway that has read the CONNECT from publishing the will.
    socket.end(Buffer.from([0xe0, 0x00]));
    this.#cancelLinger = this.#settings.startTimer(() => socket.destroy(), lingerMs);
  }

  drop(error: DeviceError): void {
    this.#error ??= error;
    this.#gateway?.socket.destroy();
  }

  end(): void {
    // Before a first connection there is nothing to release, and mqtt.js has no stream to look at.
    if (this.#gateway) this.#client.end(true);
  }

  /** mqtt.js asks for a stream in connect(): hand out the verified socket, with the limits in front. */
  #stream(): TLSSocket {
    const gateway = this.#gateway;
    if (!gateway) throw new Error("unreachable: MQTT without a verified gateway");
    const limit = new PacketLimit(this.#settings.maxPacketBytes);
    gateway.socket.on("data", (chunk: Buffer) => {
      try {
        limit.check(chunk);
      } catch (error) {
        this.#failed(errorOf(error));
      }
    });
    const { startTimer, maxTlsOverheadBytes } = this.#settings;
    new TlsWatch(gateway, {
      bytes: maxTlsOverheadBytes,
      startTimer,
      onExceeded: (bytes) => this.drop(tooMuchOverhead(bytes, maxTlsOverheadBytes)),
    }).start();
    // mqtt.js passes on only errors that carry a code; the first one is the reason whatever it carries.
    gateway.socket.on("error", (error) => this.#failed(error));
    return gateway.socket;
  }

  #received(packet: Packet): void {
    // mqtt.js goes on with what it has parsed; once the connection is given up, nothing of it counts.
    if (this.#gateway?.socket.destroyed) return;
    if (packet.cmd === "connack") return this.#connack(packet);
    if (!this.#accepted) {
      // MQTT 3.1.1 §3.2: the first packet from the server must be a CONNACK.
      return this.drop(
        new DeviceError("DEVICE_PROTOCOL_ERROR", `the gateway sent ${packet.cmd} before CONNACK`),
      );
    }
    const id = packet.messageId;
    if (id === undefined) return;
    if (packet.cmd === "publish" && packet.qos === 2) this.#incomingQos2.add(id);
    if (packet.cmd === "pubrel") this.#incomingQos2.delete(id);
    if (this.#incomingQos2.size > maxIncomingQos2) {
      this.drop(
        new DeviceError(
          "DEVICE_PROTOCOL_ERROR",
          `more than ${maxIncomingQos2} QoS 2 messages without PUBREL`,
        ),
      );
    }
  }

  #connack(packet: IConnackPacket): void {
    if (this.#accepted) return;
    const returnCode = Number(packet.returnCode);
    if (returnCode !== 0) {
      const meaning = connackMeaning[returnCode] ?? "unknown return code";
      return this.drop(
        new DeviceError(
          "DEVICE_REFUSED",
          `the gateway refused the session: ${meaning} (CONNACK ${returnCode}); its events name the reason`,
          { returnCode },
        ),
      );
    }
    const gateway = this.#gateway;
    if (gateway === undefined) throw new Error("unreachable: CONNACK without a gateway");
    this.#accepted = true;
    const { sessionPresent } = packet;
    if (!sessionPresent) this.#incomingQos2.clear();
    const { path, protocol, cipher } = gateway;
    this.#listener.accepted({ sessionPresent, fingerprint: path.leaf.fingerprint, protocol, cipher });
  }

  #deliver(packet: IPublishPacket, acknowledge: (error?: Error) => void): void {
    const { topic, qos, retain, dup } = packet;
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const gateway = this.#gateway;
    const deliver = () => {
      const current =
        this.#accepted && this.#gateway === gateway && !gateway?.socket.destroyed && !this.#ending;
      // Neither delivered nor acknowledged: the gateway sends QoS 1 and 2 again.
      if (!current) return true;
      if (!this.#listener.message({ topic, payload, qos, retain, dup })) return false;
      acknowledge();
      return true;
    };
    // A resumed session's messages follow the CONNACK in the same segment: give the code that awaits the
    // connection its turn to add a listener, but do not wait for one that never comes.
    if (!deliver()) {
      setImmediate(() => {
        if (!deliver()) acknowledge();
      });
    }
  }

  #failed(error: Error): void {
    if (this.#ending) return;
    this.drop(this.#meaning(error));
  }

  #meaning(error: Error): DeviceError {
    if (error instanceof DeviceError) return error;
    if (error.message === "Keepalive timeout") {
      // MQTT 3.1.1 §3.1.2.10: no PINGRESP in a reasonable time, so the connection is taken for dead.
      return new DeviceError("DEVICE_CONNECTION_LOST", "the gateway no longer answers", { cause: error });
    }
    const socketError = "code" in error && typeof error.code === "string";
    if (!socketError) return new DeviceError("DEVICE_PROTOCOL_ERROR", textOf(error), { cause: error });
    const meaning = dialError(error, this.#settings.gateway);
    return meaning.code === "DEVICE_REFUSED" ? meaning : this.#silentEnd(error);
  }

  #closed(): void {
    this.#cancelLinger();
    const error = this.#ending ? undefined : (this.#error ?? this.#silentEnd());
    this.#accepted = false;
    this.#listener.closed(error);
  }

  /** The end of a connection without a word. In TLS 1.3 that is also how a refused certificate can look. */
  #silentEnd(cause?: Error): DeviceError {
    if (this.#accepted) {
      return new DeviceError("DEVICE_CONNECTION_LOST", "the connection to the gateway was lost", { cause });
    }
    return new DeviceError(
      "DEVICE_REFUSED",
      "the gateway closed the connection without a CONNACK: it does not accept this device's certificate or client id; its events name the reason",
      { cause },
    );
  }
}

function tooMuchOverhead(bytes: number, limit: number): DeviceError {
  return new DeviceError(
    "DEVICE_PROTOCOL_ERROR",
    `the gateway sends ${Math.round(bytes)} bytes within TLS that are no application data, more than maxTlsOverheadBytes (${limit})`,
  );
}

/** MQTT 3.1.1 §3.2.2.3, Table 3.1. */
const connackMeaning: Record<number, string> = {
  1: "unacceptable protocol version",
  2: "identifier rejected",
  3: "server unavailable",
  4: "bad user name or password",
  5: "not authorized",
};

function bytesOf(payload: string | Uint8Array): Buffer {
  if (typeof payload === "string") return Buffer.from(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
