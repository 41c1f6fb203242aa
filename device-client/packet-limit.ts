import { DeviceError } from "./errors.ts";

/**
 * Watches the packet lengths in the bytes that come from the gateway, without keeping any of them.
 *
 * An MQTT 3.1.1 client cannot tell the server how large a packet it takes, and a parser has to buffer up to
 * 256 MiB before it can complain: so the fixed header is read here first.
 *
 * MQTT 3.1.1 §2.2:
 *     byte 1    control packet type and flags
 *     byte 2..  remaining length: 7 bits a byte, least significant first, at most four bytes
 */
export class PacketLimit {
  readonly #maxBytes: number;
  #bodyLeft = 0;
  /** Octets of the fixed header read so far; 0 means between two packets. */
  #headerRead = 0;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Throws DEVICE_PROTOCOL_ERROR at the fixed header of a packet that is too large or whose length is malformed. */
  check(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) {
        const skipped = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= skipped;
        at += skipped;
      } else {
        this.#header(chunk[at] ?? 0);
        at += 1;
      }
    }
  }

  #header(octet: number): void {
    if (this.#headerRead === 0) {
      this.#headerRead = 1;
      this.#length = 0;
      return;
    }
    this.#length += (octet & 0x7f) * 128 ** (this.#headerRead - 1);
    this.#headerRead += 1;
    if (octet & 0x80) {
      // MQTT 3.1.1 §2.2.3: the maximum number of bytes in the Remaining Length field is four.
      if (this.#headerRead > 4) throw new DeviceError("DEVICE_PROTOCOL_ERROR", "malformed remaining length");
      return;
    }
    if (this.#length > this.#maxBytes) {
      throw new DeviceError(
        "DEVICE_PROTOCOL_ERROR",
        `the gateway sends a packet of ${this.#length} bytes, more than maxPacketBytes (${this.#maxBytes})`,
      );
    }
    this.#bodyLeft = this.#length;
    this.#headerRead = 0;
  }
}
