/** MQTT 3.1.1 packets by hand: the load generator must cost less than what it measures. */

/** First byte of each fixed header the bench sends or waits for (MQTT 3.1.1 §2.2). */
export const firstByte = {
  connect: 0x10,
  connack: 0x20,
  publish: 0x30,
  puback: 0x40,
  subscribe: 0x82,
  suback: 0x90,
  disconnect: 0xe0,
} as const;

export type Qos = 0 | 1;

/** MQTT 3.1.1 §3.1: keep-alive 0, no will, no user name. */
export function connectPacket(clientId: string, cleanSession: boolean): Buffer {
  const id = utf8(clientId);
  const variable = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, cleanSession ? 0x02 : 0x00, 0, 0]);
  return packet(firstByte.connect, variable, id);
}

/** MQTT 3.1.1 §3.8: one filter. */
export function subscribePacket(packetId: number, filter: string, qos: Qos): Buffer {
  return packet(firstByte.subscribe, uint16(packetId), utf8(filter), Buffer.from([qos]));
}

/** MQTT 3.1.1 §3.4. */
export function pubackPacket(packetId: number): Buffer {
  return packet(firstByte.puback, uint16(packetId));
}

/** MQTT 3.1.1 §3.14. */
export function disconnectPacket(): Buffer {
  return packet(firstByte.disconnect);
}

/** A PUBLISH made once; its payload starts with who sent it and when (ms of the generator's clock). */
export class PublishTemplate {
  readonly length: number;
  readonly #bytes: Buffer;
  readonly #packetIdAt: number;
  readonly #payloadAt: number;

  constructor(topic: string, qos: Qos, payloadBytes: number, sender: number) {
    const parts = [utf8(topic), ...(qos === 0 ? [] : [uint16(0)]), Buffer.alloc(payloadBytes, 0x2e)];
    this.#bytes = packet(firstByte.publish | (qos << 1), ...parts);
    this.length = this.#bytes.length;
    this.#payloadAt = this.length - payloadBytes;
    this.#packetIdAt = qos === 0 ? -1 : this.#payloadAt - 2;
    this.#bytes.writeUInt16BE(sender, this.#payloadAt);
  }

  /** Writes one message at `offset`; `packetId` is ignored for QoS 0. */
  copyTo(target: Buffer, offset: number, packetId: number, now: number): void {
    this.#bytes.copy(target, offset);
    target.writeDoubleBE(now, offset + this.#payloadAt + 2);
    if (this.#packetIdAt >= 0) target.writeUInt16BE(packetId, offset + this.#packetIdAt);
  }
}

/** A PUBLISH as received, still in the buffer it came in. */
export interface Delivery {
  readonly sender: number;
  readonly sentAt: number;
  readonly packetId: number;
}

/** Reads the PUBLISH whose fixed header ended at `start`. */
export function readDelivery(first: number, bytes: Buffer, start: number): Delivery {
  const qos = (first >> 1) & 3;
  const afterTopic = start + 2 + bytes.readUInt16BE(start);
  const payload = afterTopic + (qos === 0 ? 0 : 2);
  return {
    sender: bytes.readUInt16BE(payload),
    sentAt: bytes.readDoubleBE(payload + 2),
    packetId: qos === 0 ? 0 : bytes.readUInt16BE(afterTopic),
  };
}

/** Called per packet: its first byte, and the range of `bytes` after the fixed header. */
export type PacketSink = (first: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts a byte stream into packets; keeps only an unfinished tail. */
export class PacketScanner {
  #tail: Buffer | undefined;
  readonly #sink: PacketSink;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    const bytes = this.#tail === undefined ? chunk : Buffer.concat([this.#tail, chunk]);
    let at = 0;
    for (;;) {
      const start = endOfFixedHeader(bytes, at);
      if (start < 0) break;
      const end = start + remainingLength(bytes, at + 1);
      if (end > bytes.length) break;
      this.#sink(bytes[at] ?? 0, bytes, start, end);
      at = end;
    }
    this.#tail = at === bytes.length ? undefined : bytes.subarray(at);
  }
}

function endOfFixedHeader(bytes: Buffer, at: number): number {
  for (let i = at + 1; i < bytes.length; i++) {
    if ((bytes[i] ?? 0) < 0x80) return i + 1;
    if (i - at >= 4) throw new Error("remaining length longer than four bytes");
  }
  return -1;
}

function remainingLength(bytes: Buffer, from: number): number {
  let length = 0;
  for (let shift = 0, i = from; ; shift += 7, i++) {
    const byte = bytes[i] ?? 0;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function utf8(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
