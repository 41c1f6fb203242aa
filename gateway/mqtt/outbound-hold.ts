import { packetType } from "./packet.ts";

/**
 * MQTT-3.2.0-1: the first packet from the server is CONNACK. A resumed session is subscribed before its
 * CONNACK is written, so a live message can come first; this holds such packets back until the CONNACK has
 * passed, and sends them right after it.
 */
export class OutboundHold {
  #bytes: Buffer = Buffer.alloc(0);
  #held: Buffer[] = [];
  #heldBytes = 0;
  #released = false;

  /** The CONNACK is out; from here on bytes need not pass through. */
  get released(): boolean {
    return this.#released;
  }

  /** Bytes kept back. */
  get size(): number {
    return this.#heldBytes + this.#bytes.length;
  }

  /** Takes what the broker wrote, whole packets or parts, and returns what may go out now. */
  push(chunk: Uint8Array): Buffer | undefined {
    if (this.#released) return Buffer.from(chunk);
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const end = packetEnd(this.#bytes);
      if (end === undefined) return undefined;
      const packet = this.#bytes.subarray(0, end);
      this.#bytes = this.#bytes.subarray(end);
      if ((packet[0] ?? 0) >> 4 === packetType.CONNACK) {
        this.#released = true;
        const out = Buffer.concat([packet, ...this.#held, this.#bytes]);
        this.#held = [];
        this.#heldBytes = 0;
        this.#bytes = Buffer.alloc(0);
        return out;
      }
      this.#held.push(packet);
      this.#heldBytes += packet.length;
    }
  }
}

/** Where the first packet of `bytes` ends, when all of it is there. */
function packetEnd(bytes: Uint8Array): number | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at += 1) {
    const octet = bytes[at] ?? 0;
    length += (octet & 0x7f) * 2 ** (7 * (at - 1));
    if (octet < 0x80) return bytes.length >= at + 1 + length ? at + 1 + length : undefined;
  }
  return undefined;
}
