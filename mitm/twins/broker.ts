import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from "mqtt-packet";
import type { ScriptedEnd } from "../endpoint.ts";
import { PacketReader } from "./broker-packets.ts";
import { BrokerRules, type Principal } from "./broker-rules.ts";
import { BrokerSession, deliver, type Message, type SessionState, sendPacket } from "./broker-session.ts";

export interface TwinBrokerOptions {
  /** Names of the weaknesses that it has: the checks it leaves out. */
  readonly tolerates: ReadonlySet<string>;
  /** Identities that may hear devices and send them commands; all others are devices. */
  readonly operatorIds?: readonly string[];
  /** Time for a whole CONNECT, ms. */
  readonly helloTimeoutMs: number;
}

const bounds = {
  sessionsPerDevice: 8,
  stored: 1_000,
  unreleased: 1_000,
  filters: 100,
  idleMs: 120_000,
  closingMs: 300,
} as const;

/**
 * A small broker of MQTT 3.1.1 (and as much of MQTT 5 as its attacks need) for what an authenticated device may try. It
 * keeps its devices apart: a device has client ids, topics and a session of its own, by the identity of its certificate.
 */
export class TwinBroker {
  readonly #options: TwinBrokerOptions;
  readonly #live = new Map<string, Set<BrokerSession>>();
  readonly #stored = new Map<string, SessionState>();
  readonly #retained = new Map<string, { readonly message: Message; readonly owner: string }>();
  readonly #withdrawn = new Set<string>();
  readonly #aliases = new Map<number, string>();
  readonly #ends = new Set<ScriptedEnd>();

  constructor(options: TwinBrokerOptions) {
    this.#options = options;
    const message = {
      topic: "$SYS/broker/version",
      payload: Buffer.from("twin"),
      qos: 0,
      retain: true,
    } as const;
    this.#retained.set(message.topic, { message: { ...message, responseTopic: undefined }, owner: "" });
  }

  /** Serves a client until its connection ends. `identity` is what its certificate says; the handshake is finished. */
  async serve(end: ScriptedEnd, identity: string): Promise<void> {
    const kind = this.#options.operatorIds?.includes(identity) === true ? "operator" : "device";
    this.#ends.add(end);
    this.#withdrawn.delete(identity);
    let session: BrokerSession | undefined;
    try {
      session = await this.#open(end, { id: identity, kind });
    } finally {
      if (session !== undefined) this.#ended(session);
      end.close();
      await untilClosed(end);
      end.destroy();
      this.#ends.delete(end);
    }
  }

  /** The identity has no rights any more: its sessions end without their wills, and nothing of it stays. */
  withdraw(identity: string): void {
    this.#withdrawn.add(identity);
    for (const session of this.#sessions()) {
      if (session.principal.id === identity && !this.#has("subscription-outlives-rights")) session.cut();
    }
    if (!this.#has("session-outlives-device")) {
      for (const [name, { owner }] of this.#stored) if (owner === identity) this.#stored.delete(name);
    }
    if (this.#has("retained-outlives-device")) return;
    for (const [topic, { owner }] of this.#retained) if (owner === identity) this.#retained.delete(topic);
  }

  close(): void {
    for (const end of this.#ends) end.destroy();
  }

  #has(weakness: string): boolean {
    return this.#options.tolerates.has(weakness);
  }

  #sessions(): BrokerSession[] {
    return [...this.#live.values()].flatMap((sessions) => [...sessions]);
  }

  /** Reads packets until the end of the connection; the session, where CONNECT was accepted. */
  async #open(end: ScriptedEnd, principal: Principal): Promise<BrokerSession | undefined> {
    const reader = new PacketReader(this.#options.tolerates);
    /** The end of the handshake, then the last whole packet of the session. */
    let heardAt = performance.now();
    let session: BrokerSession | undefined;
    for (;;) {
      const received = await end.receive(
        session === undefined ? this.#helloMs(heardAt) : this.#silenceMs(session, heardAt),
      );
      if (received.kind === "alert" && !received.fatal && received.alert !== "close_notify") continue;
      if (received.kind !== "data") return session;
      reader.push(received.data);
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
        if ("fault" in packet) return session;
        if (session === undefined) {
          session = this.#first(end, principal, packet);
          if (session === undefined && !this.#isBeforeConnect(packet)) return undefined;
        } else if (!this.#handle(session, packet)) return session;
        if (session !== undefined) heardAt = performance.now();
      }
    }
  }

  #helloMs(began: number): number {
    const { helloTimeoutMs } = this.#options;
    if (this.#has("hello-timeout-missing")) return bounds.idleMs;
    const elapsedMs = this.#has("hello-timeout-restarts") ? 0 : performance.now() - began;
    return Math.max(1, helloTimeoutMs - elapsedMs);
  }

  /** [MQTT-3.1.2-24]: a client that is silent for one and a half times its keep alive is disconnected. */
  #silenceMs({ keepalive }: BrokerSession, heardAt: number): number {
    if (keepalive === 0 || this.#has("keep-alive-ignored")) return bounds.idleMs;
    const leftMs = 1500 * keepalive - (performance.now() - heardAt);
    return Math.min(bounds.idleMs, Math.max(1, leftMs));
  }

  #isBeforeConnect(packet: Packet): boolean {
    return packet.cmd !== "connect" && this.#has("packet-before-connect");
  }

  /** [MQTT-3.1.0-1]: the first packet is CONNECT. */
  #first(end: ScriptedEnd, principal: Principal, packet: Packet): BrokerSession | undefined {
    if (packet.cmd !== "connect") return undefined;
    const version = packet.protocolVersion === 5 ? 5 : 4;
    const rules = new BrokerRules(principal, this.#options.tolerates, packet);
    const name = rules.sessionName(packet.clientId);
    if (this.#has("session-touched-before-identity") && packet.clean === true) this.#stored.delete(name);
    const code = rules.refusedConnect(packet) ?? this.#tooMany(principal, name);
    if (code !== undefined) {
      sendPacket(end, connack(code, false, version), version);
      return undefined;
    }
    // [MQTT-3.1.4-2]: a client of the same id that is still connected is disconnected.
    if (!this.#has("two-sessions-one-client-id")) for (const old of this.#live.get(name) ?? []) old.cut();
    return this.#accepted(end, name, rules, packet);
  }

  #accepted(end: ScriptedEnd, name: string, rules: BrokerRules, packet: IConnectPacket): BrokerSession {
    const isClean = packet.clean !== false;
    if (isClean) this.#stored.delete(name);
    const kept = this.#stored.get(name);
    const fresh = { owner: rules.principal.id, filters: new Map(), waiting: new Map(), nextId: 1, isClean };
    const session = new BrokerSession(end, name, rules, kept ?? fresh, packet);
    if (!isClean && this.#stored.size < bounds.stored) this.#stored.set(name, session.state);
    const siblings = this.#live.get(name) ?? new Set();
    this.#live.set(name, siblings.add(session));
    session.send(connack(0, kept !== undefined, session.version));
    session.sendWaiting();
    return session;
  }

  #tooMany({ id }: Principal, name: string): number | undefined {
    const others = this.#sessions().filter((each) => each.principal.id === id && each.name !== name);
    const serverUnavailable = 3;
    return others.length < bounds.sessionsPerDevice || this.#has("sessions-unbounded")
      ? undefined
      : serverUnavailable;
  }

  /** False: the connection is closed for it. */
  #handle(session: BrokerSession, packet: Packet): boolean {
    const { messageId = 0 } = packet;
    switch (packet.cmd) {
      case "connect":
        // [MQTT-3.1.0-2]: a second CONNECT is a protocol violation.
        if (this.#has("second-connect")) session.send(connack(0, false, session.version));
        return this.#has("second-connect");
      case "publish":
        return this.#published(session, packet);
      case "pubrel":
        session.unreleased.delete(messageId);
        session.send({ cmd: "pubcomp", messageId });
        return true;
      case "puback":
        session.state.waiting.delete(messageId);
        if (this.#has("acknowledgements-shared")) {
          for (const state of this.#states()) state.waiting.delete(messageId);
        }
        return true;
      case "subscribe":
        return this.#subscribed(session, packet);
      case "unsubscribe":
        for (const filter of packet.unsubscriptions) session.state.filters.delete(filter);
        session.send({ cmd: "unsuback", messageId, granted: packet.unsubscriptions.map(() => 0) });
        return true;
      case "pingreq":
        session.send({ cmd: "pingresp" });
        return true;
      case "disconnect":
        session.will = undefined;
        return false;
      case "pubrec":
      case "pubcomp":
        return true;
      case "auth":
      case "connack":
      case "pingresp":
      case "suback":
      case "unsuback":
        return false;
    }
  }

  #published(session: BrokerSession, given: IPublishPacket): boolean {
    const packet = this.#unaliased(given);
    if (packet === undefined || !session.rules.isTopic(packet.topic) || !session.rules.mayPublish(packet))
      return false;
    const { qos, messageId = 0 } = packet;
    const isAgain = qos === 2 && session.unreleased.has(messageId);
    if (qos === 2) {
      session.unreleased.add(messageId);
      if (session.unreleased.size > bounds.unreleased && !this.#has("inflight-unbounded")) return false;
    }
    // [MQTT-4.3.3-2]: until PUBREL the same identifier is the same message.
    if (!isAgain || this.#has("qos2-delivered-twice")) this.#route(messageOf(packet), session.principal.id);
    if (qos > 0) session.send({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
    return true;
  }

  /** MQTT 5 §3.3.2.3.4: this broker allows no topic aliases, so that one is a protocol error. */
  #unaliased(packet: IPublishPacket): IPublishPacket | undefined {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return packet;
    if (!this.#has("topic-alias-of-another")) return undefined;
    if (packet.topic !== "" && this.#aliases.size < bounds.stored) this.#aliases.set(alias, packet.topic);
    return { ...packet, topic: this.#aliases.get(alias) ?? "" };
  }

  #subscribed(session: BrokerSession, { subscriptions, messageId = 0 }: ISubscribePacket): boolean {
    const { filters } = session.state;
    const granted = subscriptions.map(({ topic, qos }, at) => {
      if (filters.size >= bounds.filters || !session.rules.maySubscribe(topic, at)) return 0x80;
      const most = qos === 0 ? 0 : 1;
      filters.set(topic.replace(/^\$share\/[^/]*\//, ""), most);
      return most;
    });
    session.send({ cmd: "suback", messageId, granted });
    const asked: SessionState = { ...session.state, filters: new Map() };
    for (const [at, { topic }] of subscriptions.entries()) {
      if (granted[at] !== 0x80) asked.filters.set(topic, 0);
    }
    for (const { message } of this.#retained.values()) deliver(asked, session, message);
    return true;
  }

  #route(message: Message, owner: string): void {
    if (message.retain) {
      if (message.payload.length === 0) this.#retained.delete(message.topic);
      else if (this.#retained.size < bounds.stored) this.#retained.set(message.topic, { message, owner });
    }
    for (const state of this.#states()) {
      const live = this.#sessions().find((session) => session.isOpen && session.state === state);
      deliver(state, live, { ...message, retain: false });
    }
  }

  #states(): Set<SessionState> {
    return new Set([...this.#stored.values(), ...this.#sessions().map((session) => session.state)]);
  }

  #ended(session: BrokerSession): void {
    session.isOpen = false;
    const siblings = this.#live.get(session.name);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#live.delete(session.name);
    const { will, principal } = session;
    if (will === undefined) return;
    if (this.#withdrawn.has(principal.id) && !this.#has("will-outlives-rights")) return;
    const { topic, payload, qos = 0, retain = false } = will;
    this.#route(messageOf({ cmd: "publish", topic, payload, qos, retain, dup: false }), principal.id);
  }
}

/** What was said last should arrive before the connection is gone; who does not close it is not waited for. */
async function untilClosed(end: ScriptedEnd): Promise<void> {
  const deadline = performance.now() + bounds.closingMs;
  for (;;) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return;
    const { kind } = await end.receive(leftMs);
    if (kind === "closed" || kind === "silence") return;
  }
}

function connack(code: number, sessionPresent: boolean, version: 4 | 5): Packet {
  if (version === 4) return { cmd: "connack", returnCode: code, sessionPresent };
  // MQTT 5 §3.2.2.2: the same refusals have other numbers there.
  const reasonCode = { 0: 0, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 }[code] ?? 0x80;
  return { cmd: "connack", reasonCode, sessionPresent };
}

function messageOf({ topic, payload, qos, retain, properties }: IPublishPacket): Message {
  const responseTopic = properties?.responseTopic;
  return { topic, payload: Buffer.from(payload), qos: qos === 0 ? 0 : 1, retain, responseTopic };
}
