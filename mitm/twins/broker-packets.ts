import mqttPacket, { type Packet } from "mqtt-packet";
import { remainingLength } from "../mqtt/bytes.ts";

/** A packet of a client that breaks a rule; the connection is closed for it. */
export interface PacketFault {
  readonly fault: string;
}

/** The rules on packets that a broker may be told to leave out; each a weakness of its own. */
type Tolerates = ReadonlySet<string>;

const limits = { connectBytes: 65_536, packetBytes: 131_072, bufferedBytes: 2 ** 21 } as const;

const types = { connect: 1, publish: 3 } as const;
/** MQTT 3.1.1 §2.2.2: the flags that each packet of a client must have; PUBLISH and what no client sends are left out. */
const requiredFlags: ReadonlyMap<number, number> = new Map([
  [types.connect, 0],
  [4, 0],
  [5, 0],
  [6, 2],
  [7, 0],
  [8, 2],
  [10, 2],
  [12, 0],
  [14, 0],
]);

/** Takes a client's bytes apart into packets, strictly but for what it tolerates. */
export class PacketReader {
  readonly #tolerates: Tolerates;
  #bytes: Buffer = Buffer.alloc(0);
  #version: 4 | 5 = 4;

  constructor(tolerates: Tolerates) {
    this.#tolerates = tolerates;
  }

  push(data: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
  }

  /** The next packet; undefined where more bytes are needed. After a fault there is nothing more to read. */
  next(): Packet | PacketFault | undefined {
    if (this.#bytes.length > limits.bufferedBytes) return { fault: "a packet larger than any limit" };
    const [first] = this.#bytes;
    if (first === undefined) return undefined;
    const flags = this.#flags(first);
    if (typeof flags !== "number") return flags;
    const remaining = this.#remainingLength();
    if (remaining === undefined || "fault" in remaining) return remaining;
    const { length, bytes } = remaining;
    const limit = first >> 4 === types.connect ? limits.connectBytes : limits.packetBytes;
    if (length > limit && !this.#tolerates.has("packet-size-unbounded")) return { fault: "packet too large" };
    const end = 1 + bytes + length;
    if (this.#bytes.length < end) return undefined;
    const body = Buffer.from(this.#bytes.subarray(1 + bytes, end));
    this.#bytes = this.#bytes.subarray(end);
    if (first >> 4 === types.connect) {
      const fault = this.#checkConnectFlags(body);
      if (fault !== undefined) return fault;
      if (body[6] === 5) this.#version = 5;
    }
    return this.#parse((first & 0xf0) | flags, body);
  }

  /** The flags that the packet should have had, or the fault. */
  #flags(first: number): number | PacketFault {
    const [type, flags] = [first >> 4, first & 0x0f];
    if (type === types.publish) {
      if ((flags & 0b0110) !== 0b0110) return flags;
      // [MQTT-3.3.1-4]: both QoS bits set closes the connection.
      return this.#tolerates.has("qos-three") ? flags & 0b1011 : { fault: "QoS 3" };
    }
    const required = requiredFlags.get(type);
    if (required === undefined) return { fault: `no client sends packet type ${type}` };
    // [MQTT-2.2.2-2]: invalid flags close the connection.
    return flags === required || this.#tolerates.has("reserved-flags")
      ? required
      : { fault: "reserved flags" };
  }

  /** MQTT 3.1.1 §2.2.3. */
  #remainingLength(): { readonly length: number; readonly bytes: number } | PacketFault | undefined {
    const longest = this.#tolerates.has("five-byte-length") ? 5 : 4;
    let length = 0;
    for (let bytes = 1; bytes <= longest; bytes += 1) {
      const octet = this.#bytes[bytes];
      if (octet === undefined) return undefined;
      length += (octet & 0x7f) * 128 ** (bytes - 1);
      if (octet < 0x80) return { length, bytes };
    }
    return { fault: "malformed remaining length" };
  }

  /** Corrects what is tolerated, so that it can be read on. */
  #checkConnectFlags(body: Buffer): PacketFault | undefined {
    const flags = body[7] ?? 0;
    // [MQTT-3.1.2-3]: the reserved flag is 0.
    if ((flags & 0x01) !== 0) {
      if (!this.#tolerates.has("connect-reserved-flag")) return { fault: "the reserved connect flag" };
      body[7] = flags & 0xfe;
    }
    // [MQTT-3.1.2-22]: no password without a user name.
    const lonePassword = this.#version === 4 && body[6] === 4 && (flags & 0xc0) === 0x40;
    if (lonePassword && !this.#tolerates.has("password-without-username")) {
      return { fault: "a password without a user name" };
    }
    return undefined;
  }

  #parse(first: number, body: Buffer): Packet | PacketFault {
    let result: Packet | PacketFault = { fault: "malformed packet" };
    const parser = mqttPacket.parser({ protocolVersion: this.#version });
    parser.on("packet", (packet) => {
      result = packet;
    });
    parser.on("error", () => undefined);
    parser.parse(Buffer.concat([Uint8Array.of(first, ...remainingLength(body.length)), body]));
    return this.#checked(result);
  }

  #checked(packet: Packet | PacketFault): Packet | PacketFault {
    if ("fault" in packet) return packet;
    // [MQTT-2.3.1-1]: a packet identifier is not 0.
    if (packet.messageId === 0 && !this.#tolerates.has("packet-identifier-zero")) {
      return { fault: "packet identifier 0" };
    }
    return packet;
  }
}
