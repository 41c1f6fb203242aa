import {
  beginsWithIdentifier,
  clientFirstByte,
  packetType,
  protocolHeaderBytes,
  protocolLevel,
} from "./packet.ts";

/** What the bytes of a client did wrong. */
export type FramerFault =
  | {
      readonly reason:
        | "first_packet_not_connect"
        | "malformed_packet"
        | "packet_too_large"
        | "protocol_error";
    }
  | { readonly reason: "protocol_version"; readonly level: number };

export interface FramerLimits {
  readonly packetBytes: number;
  readonly connectBytes: number;
}

/**
 * Reads only the fixed headers and the packet identifiers behind them of a client's MQTT packets as their bytes pass by, and says at once when one
 * announces more than the limit, is malformed or is out of place: nothing is kept here but a few bytes, and
 * whatever a packet announces, it is judged before its body is waited for. Any split of a byte stream into
 * chunks gives the same verdict.
 */
export class Framer {
  readonly #limits: FramerLimits;
  #expect: "first_byte" | "length" | "protocol" | "connect_flags" | "identifier" | "body" | "nothing" =
    "first_byte";
  #type = 0;
  #length = 0;
  #lengthBytes = 0;
  #left = 0;
  #fault: FramerFault | undefined;
  readonly #protocol = new Uint8Array(protocolHeaderBytes);
  #protocolBytes = 0;
  #identifier = 0;
  #identifierBytes = 0;
  #packets = 0;

  /** Whole packets seen. */
  get packets(): number {
    return this.#packets;
  }
  /** PUBLISH packets begun. */
  publishes = 0;
  /** A complete DISCONNECT went by. */
  disconnected = false;
  /** Where in the chunk last pushed the CONNECT packet ended, when it did end there. */
  connectEnd: number | undefined;
  /** A packet is begun and not complete. */
  get inPacket(): boolean {
    return this.#expect !== "first_byte" && this.#expect !== "nothing";
  }

  constructor(limits: FramerLimits) {
    this.#limits = limits;
  }

  /** Judges the next bytes; a fault is final. */
  push(chunk: Uint8Array): FramerFault | undefined {
    this.connectEnd = undefined;
    let at = 0;
    while (at < chunk.length && this.#fault === undefined) {
      if (this.#expect === "body") {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#endPacket(at);
        continue;
      }
      this.#fault = this.#octet(chunk[at] ?? 0, ++at);
    }
    return this.#fault;
  }

  #octet(octet: number, end: number): FramerFault | undefined {
    switch (this.#expect) {
      case "first_byte":
        return this.#firstByte(octet);
      case "length":
        return this.#lengthOctet(octet, end);
      case "protocol":
        return this.#protocolOctet(octet, end);
      case "connect_flags":
        return this.#connectFlags(octet, end);
      case "identifier":
        return this.#identifierOctet(octet, end);
      case "body":
        throw new Error("unreachable: bodies are skipped as a whole");
      case "nothing":
        // MQTT-3.14.4-2: after DISCONNECT the client sends nothing more.
        return { reason: "protocol_error" };
    }
  }

  #firstByte(octet: number): FramerFault | undefined {
    const type = octet >> 4;
    // MQTT-3.1.0-1: the first packet is CONNECT.
    if (this.#packets === 0 && type !== packetType.CONNECT) return { reason: "first_packet_not_connect" };
    // MQTT-3.1.0-2: a second CONNECT is a protocol violation.
    if (this.#packets > 0 && type === packetType.CONNECT) return { reason: "protocol_error" };
    // MQTT-2.2.2-2: invalid flags close the connection.
    if (clientFirstByte[octet] !== true) return { reason: "malformed_packet" };
    this.#type = type;
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#expect = "length";
    return undefined;
  }

  #lengthOctet(octet: number, end: number): FramerFault | undefined {
    this.#length += (octet & 0x7f) * 2 ** (7 * this.#lengthBytes);
    this.#lengthBytes += 1;
    const limit = this.#type === packetType.CONNECT ? this.#limits.connectBytes : this.#limits.packetBytes;
    if (this.#length + 1 + this.#lengthBytes > limit) return { reason: "packet_too_large" };
    if (octet >= 0x80) {
      // MQTT 3.1.1 §2.2.3: at most four bytes.
      return this.#lengthBytes === 4 ? { reason: "malformed_packet" } : undefined;
    }
    if (this.#type === packetType.PUBLISH) this.publishes += 1;
    this.#left = this.#length;
    if (this.#type === packetType.CONNECT) {
      if (this.#left < protocolHeaderBytes) return { reason: "malformed_packet" };
      this.#expect = "protocol";
    } else if (beginsWithIdentifier(this.#type)) {
      if (this.#left < 2) return { reason: "malformed_packet" };
      this.#identifier = 0;
      this.#identifierBytes = 0;
      this.#expect = "identifier";
    } else if (this.#left === 0) {
      this.#endPacket(end);
    } else {
      this.#expect = "body";
    }
    return undefined;
  }

  #protocolOctet(octet: number, end: number): FramerFault | undefined {
    this.#protocol[this.#protocolBytes] = octet;
    this.#protocolBytes += 1;
    this.#left -= 1;
    if (this.#protocolBytes < protocolHeaderBytes) return undefined;
    const level = protocolLevel(this.#protocol);
    if (level === undefined) return { reason: "malformed_packet" };
    if (level !== 4) return { reason: "protocol_version", level };
    if (this.#left === 0) this.#endPacket(end);
    else this.#expect = "connect_flags";
    return undefined;
  }

  #connectFlags(octet: number, end: number): FramerFault | undefined {
    this.#left -= 1;
    // MQTT-3.1.2-22: no password without a user name. The broker's parser does not look.
    if ((octet & 0xc0) === 0x40) return { reason: "protocol_error" };
    if (this.#left === 0) this.#endPacket(end);
    else this.#expect = "body";
    return undefined;
  }

  #identifierOctet(octet: number, end: number): FramerFault | undefined {
    this.#identifier = this.#identifier * 256 + octet;
    this.#identifierBytes += 1;
    this.#left -= 1;
    if (this.#identifierBytes < 2) return undefined;
    // MQTT-2.3.1-1: the identifier is not 0. Neither the broker nor its parser looks.
    if (this.#identifier === 0) return { reason: "protocol_error" };
    if (this.#left === 0) this.#endPacket(end);
    else this.#expect = "body";
    return undefined;
  }

  #endPacket(end: number): void {
    this.#packets += 1;
    if (this.#type === packetType.CONNECT) this.connectEnd = end;
    this.disconnected = this.#type === packetType.DISCONNECT;
    this.#expect = this.disconnected ? "nothing" : "first_byte";
  }
}
