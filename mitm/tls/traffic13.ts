import type { MessageOptions } from "./end-options.ts";
import { nextTrafficSecret, type SecretPair, trafficKeys } from "./key-schedule.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { keyUpdate } from "./messages.ts";
import type { Suite13 } from "./suites.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The application traffic secrets of one connection, and how they move on (RFC 8446 §4.6.3, §7.2). */
export class Traffic13 {
  readonly #end: TlsEnd;
  readonly #suite: Suite13;
  #own: Uint8Array;
  #peer: Uint8Array;
  /** How many KeyUpdates of the peer were taken. */
  updatesReceived = 0;

  constructor(end: TlsEnd, suite: Suite13, secrets: SecretPair) {
    this.#end = end;
    this.#suite = suite;
    this.#own = end.role === "client" ? secrets.client : secrets.server;
    this.#peer = end.role === "client" ? secrets.server : secrets.client;
  }

  useForReading(): void {
    this.#end.changeReadKeys(trafficKeys(this.#suite, this.#peer));
  }

  useForWriting(): void {
    this.#end.records.write = trafficKeys(this.#suite, this.#own);
  }

  sendKeyUpdate(requestUpdate: boolean, options: MessageOptions = {}): void {
    this.#end.sendHandshake(keyUpdate(requestUpdate), { ...options, transcribed: false });
    this.advance();
  }

  /** The keys that come next for what this end sends, whether a KeyUpdate said so or not. */
  advance(): void {
    this.#own = nextTrafficSecret(this.#suite, this.#own);
    this.useForWriting();
  }

  receiveKeyUpdate(message: HandshakeMessage): void {
    const [request] = message.body;
    if (message.body.length !== 1 || (request !== 0 && request !== 1)) {
      this.#end.refuse(
        message.body.length === 1 ? "illegal_parameter" : "decode_error",
        "a malformed KeyUpdate",
      );
    }
    this.updatesReceived += 1;
    this.#peer = nextTrafficSecret(this.#suite, this.#peer);
    this.useForReading();
    if (request === 1) this.sendKeyUpdate(false);
  }
}
