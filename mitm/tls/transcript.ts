import { hash } from "node:crypto";
import type { PrfHash } from "../../dtls/crypto/suites.ts";
import { HandshakeType } from "./numbers.ts";

/** The handshake messages of a connection, with their headers, in the order in which this end saw them. */
export class Transcript {
  #messages: Uint8Array[] = [];

  add(message: Uint8Array): void {
    this.#messages.push(message);
  }

  /** How many there are: a place in it, for `bytes` and `hash`. */
  get length(): number {
    return this.#messages.length;
  }

  bytes(upTo: number = this.#messages.length): Uint8Array {
    return Buffer.concat(this.#messages.slice(0, upTo));
  }

  hash(name: PrfHash, upTo?: number): Uint8Array {
    return hash(name, this.bytes(upTo), "buffer");
  }

  /**
   * RFC 8446 §4.4.1: after a HelloRetryRequest the first ClientHello stands as
   * message_hash || 00 00 Hash.length || Hash(ClientHello1).
   */
  replaceFirstByHash(name: PrfHash): void {
    // A second HelloRetryRequest is against the rules, and changes nothing here.
    if (this.#messages[0]?.[0] === HandshakeType.message_hash) return;
    const digest = this.hash(name, 1);
    this.#messages[0] = Buffer.concat([
      Uint8Array.of(HandshakeType.message_hash, 0, 0, digest.length),
      digest,
    ]);
  }

  clear(): void {
    this.#messages = [];
  }
}
