import { hash } from "node:crypto";

/**
 * The handshake messages so far, apart from how they were framed: each as if it had come in one fragment (RFC 6347
 * §4.2.6). Immutable, so that a state that holds one can be stepped from twice.
 *
 * The bytes are kept and not only their hash: CertificateVerify signs them, and node:crypto signs no digest.
 */
export class Transcript {
  static readonly empty = new Transcript(undefined, new Uint8Array(), 0);
  readonly #before: Transcript | undefined;
  readonly #message: Uint8Array;
  readonly #length: number;

  private constructor(before: Transcript | undefined, message: Uint8Array, length: number) {
    this.#before = before;
    this.#message = message;
    this.#length = length;
  }

  with(message: Uint8Array): Transcript {
    return new Transcript(this, message, this.#length + message.length);
  }

  bytes(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.#length);
    this.#writeTo(bytes);
    return bytes;
  }

  /** As deep as there are messages, of which a handshake has a dozen. */
  #writeTo(bytes: Uint8Array): void {
    if (this.#before !== undefined) this.#before.#writeTo(bytes);
    bytes.set(this.#message, this.#length - this.#message.length);
  }

  hash(algorithm: "sha256" | "sha384"): Uint8Array {
    return hash(algorithm, this.bytes(), "buffer");
  }
}
