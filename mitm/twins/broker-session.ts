import mqttPacket, { type IConnectPacket, type Packet } from "mqtt-packet";
import type { ScriptedEnd } from "../endpoint.ts";
import { matches } from "../mqtt/topics.ts";
import type { BrokerRules, Principal } from "./broker-rules.ts";

/** A message on its way through the broker. */
export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly responseTopic: string | undefined;
}

/** A session with all that outlives its connection. */
export interface SessionState {
  readonly owner: string;
  /** Filters as they are matched, without "$share/…/". */
  readonly filters: Map<string, 0 | 1>;
  /** Messages at QoS 1 that were sent and not acknowledged, or wait for the client. */
  readonly waiting: Map<number, Message>;
  nextId: number;
  readonly isClean: boolean;
}

const waitingMessages = 1_000;

/** One client that is connected. */
export class BrokerSession {
  readonly name: string;
  readonly rules: BrokerRules;
  readonly state: SessionState;
  readonly version: 4 | 5;
  will: IConnectPacket["will"];
  /** Seconds; 0 where the client asked for none. */
  readonly keepalive: number;
  /** Packet identifiers of QoS 2 that came and were not released. */
  readonly unreleased = new Set<number>();
  readonly #end: ScriptedEnd;
  isOpen = true;

  constructor(
    end: ScriptedEnd,
    name: string,
    rules: BrokerRules,
    state: SessionState,
    connect: IConnectPacket,
  ) {
    this.#end = end;
    this.name = name;
    this.rules = rules;
    this.state = state;
    this.version = connect.protocolVersion === 5 ? 5 : 4;
    this.will = connect.will;
    this.keepalive = connect.keepalive ?? 0;
  }

  get principal(): Principal {
    return this.rules.principal;
  }

  send(packet: Packet): void {
    if (this.isOpen) sendPacket(this.#end, packet, this.version);
  }

  /** Without a word, as a broker ends the connection of a client that broke a rule. */
  cut(): void {
    this.isOpen = false;
    this.#end.destroy();
  }

  publish(messageId: number | undefined, message: Message): void {
    const { topic, payload, retain, responseTopic } = message;
    const qos = messageId === undefined ? 0 : 1;
    const isFive = this.version === 5 && responseTopic !== undefined;
    this.send({
      cmd: "publish",
      topic,
      payload,
      qos,
      retain,
      dup: false,
      ...(messageId !== undefined && { messageId }),
      ...(isFive && { properties: { responseTopic } }),
    });
  }

  sendWaiting(): void {
    for (const [id, message] of this.state.waiting) this.publish(id, message);
  }
}

export function sendPacket(end: ScriptedEnd, packet: Packet, version: 4 | 5): void {
  end.send(mqttPacket.generate(packet, { protocolVersion: version }));
}

/** Puts a message into a session; it is sent at once where the client is there. */
export function deliver(state: SessionState, live: BrokerSession | undefined, message: Message): void {
  const granted = [...state.filters]
    .filter(([filter]) => matches(filter, message.topic))
    .map(([, qos]) => qos);
  if (granted.length === 0) return;
  const qos = Math.min(message.qos, Math.max(...granted));
  if (qos === 0) {
    live?.publish(undefined, message);
    return;
  }
  if (state.waiting.size >= waitingMessages) return;
  const id = state.nextId;
  state.nextId = (id % 65_535) + 1;
  state.waiting.set(id, message);
  live?.publish(id, message);
}
