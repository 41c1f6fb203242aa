import { QlobberTrue } from "qlobber";
import { GatewayError } from "../errors.ts";
import type { CommitLog } from "./commit-log.ts";
import type { PersistenceLimits } from "./limits.ts";
import type { StoredContents } from "./operations.ts";
import { asPayload, ownCopy, type Payload, sizeOf } from "./payload.ts";
import type { QoS } from "./session.ts";

export interface RetainedPacket {
  readonly cmd: "publish";
  readonly topic: string;
  readonly payload: Payload;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** The last retained message of each topic, with the client that published it where that is known. */
export class Retained {
  readonly #byTopic = new Map<string, { packet: RetainedPacket; publisher: string | null; bytes: number }>();
  readonly #perPublisher = new Map<string, number>();
  readonly #log: Pick<CommitLog, "append">;
  readonly #limits: PersistenceLimits;
  #bytes = 0;

  constructor(log: Pick<CommitLog, "append">, limits: PersistenceLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  get count(): number {
    return this.#byTopic.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Client ids that have something retained. */
  get publishers(): Iterable<string> {
    return this.#perPublisher.keys();
  }

  /** Throws GATEWAY_STATE_FULL when `put` would pass a bound. */
  admit(packet: RetainedPacket, publisher: string | null): void {
    if (packet.payload.length === 0) return;
    const old = this.#byTopic.get(packet.topic);
    const count = this.#byTopic.size + (old === undefined ? 1 : 0);
    const bytes = this.#bytes + sizeOf(packet) - (old?.bytes ?? 0);
    const own = publisher === null || old?.publisher === publisher ? 0 : this.#publishedBy(publisher) + 1;
    if (count > this.#limits.retainedMessages || bytes > this.#limits.retainedBytes) {
      throw new GatewayError("GATEWAY_STATE_FULL", "there is no room for another retained message");
    }
    if (own > this.#limits.retainedPerPublisher) {
      throw new GatewayError("GATEWAY_STATE_FULL", `${publisher} has too many retained messages`);
    }
    if (sizeOf(packet) > this.#limits.messageBytes) {
      throw new GatewayError("GATEWAY_STATE_FULL", "the retained message is larger than may be stored");
    }
  }

  /** MQTT-3.3.1-5 and -10: the new one replaces the old one, an empty payload removes it. */
  put(packet: RetainedPacket, publisher: string | null): void {
    const known = this.#remove(packet.topic);
    if (packet.payload.length === 0) {
      if (known) this.#log.append(["dropRetained", packet.topic]);
      return;
    }
    const kept = { ...packet, payload: ownCopy(packet.payload) };
    this.#add(kept, publisher);
    this.#log.append(["putRetained", kept.topic, kept.payload, kept.qos ?? 0, publisher]);
  }

  /** Removes what `publisher`, or a client id below it (`<publisher>/...`), has published; returns how many. */
  purge(publisher: string): number {
    let purged = 0;
    for (const [topic, kept] of this.#byTopic) {
      if (kept.publisher !== publisher && !kept.publisher?.startsWith(`${publisher}/`)) continue;
      this.#remove(topic);
      this.#log.append(["dropRetained", topic]);
      purged++;
    }
    return purged;
  }

  *matching(filters: readonly string[]): Generator<RetainedPacket> {
    for (const filter of filters) {
      if (!/[+#]/.test(filter)) {
        const kept = this.#byTopic.get(filter);
        if (kept !== undefined) yield kept.packet;
        continue;
      }
      const matcher = new QlobberTrue({
        wildcard_one: "+",
        wildcard_some: "#",
        separator: "/",
        match_empty_levels: true,
      }).add(filter);
      const hidden = filter.startsWith("+") || filter.startsWith("#");
      for (const [topic, kept] of this.#byTopic) {
        // MQTT-4.7.2-1
        if (hidden && topic.startsWith("$")) continue;
        if (matcher.test(topic)) yield kept.packet;
      }
    }
  }

  snapshot(): { topic: string; payload: Payload; qos: QoS; publisher: string | null }[] {
    return [...this.#byTopic.values()].map(({ packet: { topic, payload, qos }, publisher }) => ({
      topic,
      payload,
      qos,
      publisher,
    }));
  }

  load(rows: StoredContents["retained"]): void {
    for (const { topic, payload, qos, publisher } of rows) {
      const packet = { topic, payload: asPayload(payload), qos, retain: true };
      this.#add({ cmd: "publish", ...packet }, publisher);
    }
  }

  #publishedBy(publisher: string): number {
    return this.#perPublisher.get(publisher) ?? 0;
  }

  #add(packet: RetainedPacket, publisher: string | null): void {
    const bytes = sizeOf(packet);
    this.#byTopic.set(packet.topic, { packet, publisher, bytes });
    this.#bytes += bytes;
    if (publisher !== null) this.#perPublisher.set(publisher, this.#publishedBy(publisher) + 1);
  }

  #remove(topic: string): boolean {
    const old = this.#byTopic.get(topic);
    if (old === undefined) return false;
    this.#byTopic.delete(topic);
    this.#bytes -= old.bytes;
    if (old.publisher === null) return true;
    const left = this.#publishedBy(old.publisher) - 1;
    if (left > 0) this.#perPublisher.set(old.publisher, left);
    else this.#perPublisher.delete(old.publisher);
    return true;
  }
}
