import { hash } from "node:crypto";

/**
 * The handshake messages so far, apart from how they were framed: each as if it had come in one fragment (RFC 6347
 * §4.2.6). Immutable, so that a state that holds one can be stepped from twice.
 *
 * The bytes are kept and not only their hash: CertificateVerify signs them, and node:crypto signs no digest.
 */
export class Transcript {
  static readonly empty = new Transcript([]);
  readonly #messages: readonly Uint8Array[];

  private constructor(messages: readonly Uint8Array[]) {
    this.#messages = messages;
  }

  with(message: Uint8Array): Transcript {
    return new Transcript([...this.#messages, message]);
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#messages);
  }

  hash(algorithm: "sha256" | "sha384"): Uint8Array {
    return hash(algorithm, this.bytes(), "buffer");
  }
}
