import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet, type QoS } from "mqtt-packet";
import type { ScriptedEnd } from "../endpoint.ts";
import type { Patience } from "../lab/lab.ts";
import type { Recorder } from "../record/recorder.ts";
import type { DeviceAccount, Login } from "../targets.ts";
import { loginFields } from "./bytes.ts";
import { describePacket, describePackets } from "./packet-names.ts";

export interface MqttPeerOptions {
  /** What CONNECT says unless it is told otherwise. */
  readonly clientId: string;
  /** What CONNECT says besides, unless it is told otherwise. */
  readonly login?: Login | undefined;
  readonly patience: Patience;
  readonly recorder: Recorder;
}

export interface ConnectOptions {
  readonly clientId?: string;
  /** Default true. */
  readonly clean?: boolean;
  /** Seconds; default 60. */
  readonly keepalive?: number;
  readonly username?: string;
  readonly password?: string;
  readonly will?: NonNullable<IConnectPacket["will"]>;
  /** Protocol level; default 4, which is MQTT 3.1.1. */
  readonly version?: 4 | 5;
  readonly attack?: boolean;
}

export interface Connected {
  /** CONNACK 0. */
  readonly accepted: boolean;
  readonly returnCode: number | undefined;
  readonly sessionPresent: boolean;
  /** "CONNACK 0", "closed without an alert". */
  readonly how: string;
}

export interface PublishOptions {
  /** Default 1, so that it is seen when the broker has dealt with it. */
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly attack?: boolean;
  readonly messageId?: number;
  /** MQTT 5. */
  readonly properties?: NonNullable<IPublishPacket["properties"]>;
}

/** What came of a packet that asks for an answer. */
export interface Answer {
  /** The broker took it: its acknowledgement, without an error code. It may still have dropped it in silence. */
  readonly taken: boolean;
  /** "PUBACK", "SUBACK 128", "closed without an alert", "no answer". */
  readonly how: string;
}

export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly messageId: number | undefined;
  readonly properties: IPublishPacket["properties"];
}

export type Incoming =
  | { readonly kind: "packet"; readonly packet: Packet }
  | { readonly kind: "closed"; readonly how: string }
  | { readonly kind: "silence" };

/** A target that floods must not fill the lab's memory. */
const limits = { heard: 2_000, unparsedBytes: 2 ** 20 } as const;

/**
 * A client of MQTT 3.1.1 (or 5) over a finished handshake: honest in what it is not told otherwise, and free to send
 * any bytes. What the broker does is never an exception.
 */
export class MqttPeer {
  readonly end: ScriptedEnd;
  readonly clientId: string;
  /** Every PUBLISH that arrived, in order. */
  readonly heard: Publication[] = [];
  /** Whether QoS 1 and 2 messages are acknowledged as they arrive. */
  acknowledges = true;
  readonly #login: Login | undefined;
  readonly #patience: Patience;
  readonly #recorder: Recorder;
  readonly #arrived: Packet[] = [];
  #parser = this.#newParser(4);
  #unparsedBytes = 0;
  #closed: string | undefined;
  #version: 4 | 5 = 4;
  #messageId = 0;

  constructor(end: ScriptedEnd, options: MqttPeerOptions) {
    this.end = end;
    this.clientId = options.clientId;
    this.#login = options.login;
    this.#patience = options.patience;
    this.#recorder = options.recorder;
  }

  /** How the connection ended, as far as it was read. */
  get closed(): string | undefined {
    return this.#closed;
  }

  /** CONNECT, and what it was answered. */
  async connect(options: ConnectOptions = {}): Promise<Connected> {
    const { attack = false, version = 4, username, password, ...given } = options;
    if (version !== this.#version) this.#parser = this.#newParser(version);
    this.#version = version;
    const packet: IConnectPacket = {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: version,
      clientId: this.clientId,
      clean: true,
      keepalive: 60,
      ...given,
      ...loginFields(username === undefined ? this.#login : { username, password }),
    };
    this.send(packet, attack);
    return await this.connack();
  }

  /** Waits for what a CONNECT is answered. */
  async connack(): Promise<Connected> {
    const next = await this.until((packet) => packet.cmd === "connack");
    if (next.kind !== "packet" || next.packet.cmd !== "connack") {
      return { accepted: false, returnCode: undefined, sessionPresent: false, how: endOf(next) };
    }
    const { packet } = next;
    const returnCode = packet.returnCode ?? packet.reasonCode ?? -1;
    const { sessionPresent } = packet;
    return { accepted: returnCode === 0, returnCode, sessionPresent, how: describePacket(packet) };
  }

  /** PUBLISH, and the exchange that goes with its QoS; after QoS 0 a PINGREQ, whose answer shows that it was dealt with. */
  async publish(topic: string, payload: string, options: PublishOptions = {}): Promise<Answer> {
    const { qos = 1, retain = false, attack = false, messageId = this.#nextId(), properties } = options;
    const identified = qos === 0 ? {} : { messageId };
    const more = properties === undefined ? {} : { properties };
    this.send({ cmd: "publish", topic, payload, qos, retain, dup: false, ...identified, ...more }, attack);
    if (qos === 0) return await this.ping();
    const first = await this.#answer(qos === 1 ? "puback" : "pubrec", messageId);
    if (qos === 1 || !first.taken) return first;
    this.send({ cmd: "pubrel", messageId }, attack);
    return await this.#answer("pubcomp", messageId);
  }

  /** SUBSCRIBE to one or more filters; `taken` where all were granted. */
  async subscribe(
    filters: string | readonly string[],
    options: { readonly qos?: QoS; readonly attack?: boolean } = {},
  ): Promise<Answer> {
    const { qos = 1, attack = false } = options;
    const messageId = this.#nextId();
    const topics = typeof filters === "string" ? [filters] : filters;
    const subscriptions = topics.map((topic) => ({ topic, qos }));
    this.send({ cmd: "subscribe", messageId, subscriptions }, attack);
    return await this.#answer("suback", messageId);
  }

  /** PINGREQ, and whether PINGRESP came. */
  async ping(attack = false): Promise<Answer> {
    this.send({ cmd: "pingreq" }, attack);
    return await this.#answer("pingresp", undefined);
  }

  /**
   * Whether a message with this payload arrived, or arrives within the time (default: that of silence), ms. In the end
   * a PINGREQ is sent: what the broker had said before its answer has arrived then, however slow this machine is.
   */
  async hears(payload: string, timeoutMs: number = this.#patience.silenceMs): Promise<boolean> {
    const fits = () => this.heard.some((each) => each.payload === payload);
    if (!fits()) await this.until(fits, timeoutMs);
    if (!fits() && this.#closed === undefined) await this.ping();
    return fits();
  }

  /** How the broker ended the connection, if it did within the time (default: that of an answer), ms. */
  async closes(timeoutMs: number = this.#patience.answerMs): Promise<string | undefined> {
    await this.until(() => false, timeoutMs);
    return this.#closed;
  }

  /** Whether the session is still there after the time of silence, and answers. */
  async survives(): Promise<boolean> {
    return (await this.closes(this.#patience.silenceMs)) === undefined && (await this.ping()).taken;
  }

  /** Reads on until a packet fits; what does not is let go, but for the publications in `heard`. */
  async until(
    fits: (packet: Packet) => boolean,
    timeoutMs: number = this.#patience.answerMs,
  ): Promise<Incoming> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const next = await this.next(deadline - performance.now());
      if (next.kind !== "packet" || fits(next.packet)) return next;
    }
  }

  /** The next packet, or how the connection ended, or that nothing came within the time, ms. */
  async next(timeoutMs: number = this.#patience.answerMs): Promise<Incoming> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const packet = this.#arrived.shift();
      if (packet !== undefined) return { kind: "packet", packet };
      if (this.#closed !== undefined) return { kind: "closed", how: this.#closed };
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return { kind: "silence" };
      const received = await this.end.receive(Math.ceil(leftMs));
      if (received.kind === "silence") return received;
      if (received.kind === "data") this.#read(received.data);
      else if (received.kind === "closed") this.#closed = received.how;
      else if (received.fatal || received.alert === "close_notify") this.#closed = `alert ${received.alert}`;
    }
  }

  /** Sends a packet and waits for nothing. */
  send(packet: Packet, attack = false): void {
    const bytes = mqttPacket.generate(packet, { protocolVersion: this.#version });
    this.sendBytes(bytes, describePacket(packet), attack);
  }

  /** Sends bytes of any kind. `note` says what they are, for the transcript. */
  sendBytes(bytes: Uint8Array, note: string, attack = true): void {
    this.end.send(bytes, { attack, note });
  }

  /** DISCONNECT and an orderly end: the broker drops the will. */
  disconnect(): void {
    this.send({ cmd: "disconnect" });
    this.end.close();
    this.#closed ??= "closed by the lab";
  }

  /** Ends without DISCONNECT, so that the broker sends the will. */
  cut(): void {
    this.end.destroy();
    this.#closed ??= "closed by the lab";
  }

  async #answer(cmd: Packet["cmd"], messageId: number | undefined): Promise<Answer> {
    const next = await this.until(
      (packet) => packet.cmd === cmd && (messageId === undefined || packet.messageId === messageId),
    );
    if (next.kind !== "packet") return { taken: false, how: endOf(next) };
    return { taken: !refuses(next.packet), how: describePacket(next.packet) };
  }

  #read(data: Uint8Array): void {
    const before = this.#arrived.length;
    this.#unparsedBytes += data.length;
    this.#parser.parse(Buffer.from(data));
    const packets = this.#arrived.slice(before);
    if (packets.length > 0) {
      this.#unparsedBytes = 0;
      this.#recorder.explain(this.end.connection, "gateway", describePackets(packets));
    }
    if (this.#unparsedBytes > limits.unparsedBytes) this.#closed = "a packet without end";
  }

  #newParser(version: 4 | 5): mqttPacket.Parser {
    const parser = mqttPacket.parser({ protocolVersion: version });
    parser.on("packet", (packet) => {
      this.#arrived.push(packet);
      if (packet.cmd === "publish") this.#onPublish(packet);
      else if (packet.cmd === "pubrel" && this.acknowledges) {
        this.send({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      }
    });
    parser.on("error", (error: unknown) => {
      this.#closed ??= `not MQTT: ${error instanceof Error ? error.message : String(error)}`;
    });
    return parser;
  }

  #onPublish({ topic, payload, qos, retain, dup, messageId, properties }: IPublishPacket): void {
    if (this.heard.length < limits.heard) {
      this.heard.push({ topic, payload: payload.toString(), qos, retain, dup, messageId, properties });
    }
    if (qos === 0 || !this.acknowledges) return;
    this.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId: messageId ?? 0 });
  }

  #nextId(): number {
    this.#messageId += 1;
    return this.#messageId;
  }
}

/** What an account calls itself in CONNECT. */
export function clientIdOf({ clientId, deviceId }: DeviceAccount): string {
  return clientId ?? deviceId;
}

function endOf(next: Incoming): string {
  return next.kind === "closed" ? next.how : "no answer";
}

/** MQTT 3.1.1 §3.9.3: 0x80 in a SUBACK; MQTT 5 §2.4: a reason code of 0x80 and above. */
function refuses(packet: Packet): boolean {
  if (packet.cmd === "suback") return packet.granted.some((code) => typeof code === "number" && code >= 0x80);
  return "reasonCode" in packet && typeof packet.reasonCode === "number" && packet.reasonCode >= 0x80;
}
