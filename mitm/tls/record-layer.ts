import type { Duplex } from "node:stream";
import type { Recorder } from "../record/recorder.ts";
import { ContentType, ProtocolVersion } from "./numbers.ts";
import { type OpenedRecord, plaintextRecord, type RecordKeys, recordHeaderLength } from "./record-keys.ts";
import type { TlsRule } from "./rules.ts";
import { looksLikeSsl2, ssl2Hello } from "./ssl2-hello.ts";

export type IncomingRecord =
  | {
      readonly kind: "record";
      readonly type: number;
      readonly fragment: Uint8Array;
      readonly protected: boolean;
    }
  /** A record that this end does not take, and the alert for it. */
  | { readonly kind: "violation"; readonly alert: string; readonly how: string }
  | { readonly kind: "closed"; readonly how: string }
  | { readonly kind: "silence" };

export interface SendOptions {
  /** False: in clear whatever the state is; true: with the keys that come next, if there are none yet. */
  readonly protected?: boolean;
  /** Zeros after the content, TLS 1.3 alone. */
  readonly padding?: number;
  /** legacy_record_version of a record in clear. */
  readonly version?: number;
}

export interface RecordLayerOptions {
  readonly recorder: Recorder;
  readonly connection: number;
  readonly side: "client" | "server";
  readonly holds: (rule: TlsRule) => boolean;
  /** What was read of the socket before. */
  readonly head?: Uint8Array | undefined;
}

/** More than this is left in the socket until it is asked for. */
const receiveBuffer = 2 ** 18;
/** RFC 8446 §5.2 lets a record grow by 256 bytes, RFC 5246 §6.2.3 by 2048. */
const maxFragment = { "TLS 1.3": 2 ** 14 + 256, "TLS 1.2": 2 ** 14 + 2048 } as const;
/** How far a peer without a count of records looks around for the one that fits. */
const sequenceSlack = 16;

/**
 * TLS records over a TCP socket, in clear until there are keys. For attacks it is the low level of an end: `sendRaw`
 * takes any bytes, and `write.seal` makes a sealed record that can be altered first.
 */
export class RecordLayer {
  readonly socket: Duplex;
  /** Opens what comes. */
  read: RecordKeys | undefined;
  /** TLS 1.2: what `write` becomes with the own ChangeCipherSpec. */
  nextWrite: RecordKeys | undefined;
  /** legacy_record_version of records in clear. */
  version: number = ProtocolVersion.TLS_1_2;
  /** Keys that come after `read`: tried where that one does not open, by an end that does without a message before them. */
  readAhead: RecordKeys | undefined;
  /** How many bytes of records that do not open are passed over, as early data that was not taken (RFC 8446 §4.2.10). */
  skipUndecryptable = 0;
  #write: RecordKeys | undefined;
  /** Handshake messages that wait to share a record. */
  #held: Uint8Array[] = [];
  readonly #options: RecordLayerOptions;
  readonly #peer: "client" | "server";
  #received: Buffer;
  #ended: string | undefined;
  /** No record was taken yet. */
  #first = true;
  /** Who waits for bytes. */
  #waiting: (() => void)[] = [];

  constructor(socket: Duplex, options: RecordLayerOptions) {
    this.socket = socket;
    this.#options = options;
    this.#peer = options.side === "client" ? "server" : "client";
    this.#received = Buffer.from(options.head ?? []);
    socket.on("data", (chunk: Buffer) => {
      options.recorder.packet(options.connection, this.#peer, chunk);
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      if (this.#received.length > receiveBuffer) socket.pause();
      this.#wake();
    });
    socket.on("end", () => this.#end("closed"));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#end(`reset (${error.code ?? error.message})`));
    socket.on("close", () => this.#end("closed"));
    // The listener of the caller may have paused it to look at the first bytes.
    socket.resume();
  }

  /** Whether the peer has ended its side; bytes that came before may still be there to read. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Seals what goes. */
  get write(): RecordKeys | undefined {
    return this.#write;
  }

  set write(keys: RecordKeys | undefined) {
    this.flush();
    this.#write = keys;
  }

  /** A handshake message that goes out with those before and after it, in as few records as they need. */
  hold(message: Uint8Array): void {
    this.#held.push(message);
  }

  /** Sends what is held; anything else that is sent or waited for does so first. */
  flush(): void {
    const held = this.#held.splice(0);
    if (held.length > 0) this.sendFragmented(ContentType.handshake, Buffer.concat(held));
  }

  /** One record, protected where there are keys. */
  send(type: number, fragment: Uint8Array, options: SendOptions = {}): void {
    this.flush();
    const keys = options.protected === false ? undefined : this.#sealing(options);
    this.sendRaw(
      keys === undefined
        ? plaintextRecord(type, fragment, options.version ?? this.version)
        : keys.seal(type, fragment, options.padding),
    );
  }

  /** As many records as it takes, none with more than `size` bytes of content. */
  sendFragmented(type: number, content: Uint8Array, size: number = 2 ** 14, options: SendOptions = {}): void {
    if (content.length === 0) this.send(type, content, options);
    this.socket.cork();
    for (let at = 0; at < content.length; at += size)
      this.send(type, content.subarray(at, at + size), options);
    this.socket.uncork();
  }

  /** The own side of the connection is open. */
  get writable(): boolean {
    return !this.socket.destroyed && !this.socket.writableEnded;
  }

  sendRaw(bytes: Uint8Array): void {
    if (!this.writable) return;
    this.#options.recorder.packet(this.#options.connection, this.#options.side, bytes);
    this.socket.write(bytes);
  }

  /** Ends the own side of the TCP connection; the peer's may go on. */
  halfClose(): void {
    this.flush();
    if (!this.socket.destroyed) this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next record, opened where there are keys for it. Never throws. */
  async next(timeoutMs: number): Promise<IncomingRecord> {
    this.flush();
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const record = this.#take();
      if (record !== undefined) return record;
      if (this.#ended !== undefined) return { kind: "closed", how: this.#ended };
      const left = deadline - performance.now();
      if (left <= 0) return { kind: "silence" };
      await this.#more(left);
    }
  }

  #sealing({ protected: wanted }: SendOptions): RecordKeys | undefined {
    return this.write ?? (wanted === true ? this.nextWrite : undefined);
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      // A timer takes no more than 31 bits.
      const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 30));
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #take(): IncomingRecord | undefined {
    for (;;) {
      const taken = this.#takeOne();
      if (taken !== "skipped") return taken;
    }
  }

  #takeOne(): IncomingRecord | "skipped" | undefined {
    const received = this.#received;
    if (received.length === 0) return undefined;
    if (this.#first && looksLikeSsl2(received) && !this.#options.holds("ssl2-hello-accepted")) {
      return this.#takeSsl2(received);
    }
    const type = received.readUInt8(0);
    // RFC 8446 §5.1. What speaks no TLS can be found out by the first bytes, and would be waited on for ever.
    if (type < ContentType.change_cipher_spec || type > 24 || (received.length > 1 && received[1] !== 3)) {
      const start = received
        .subarray(0, 16)
        .toString("latin1")
        .replaceAll(/[^\x20-\x7e]/g, ".");
      this.#received = Buffer.alloc(0);
      return violation("decode_error", `not a TLS record: "${start}"`);
    }
    if (received.length < recordHeaderLength) return undefined;
    const length = received.readUInt16BE(3);
    const limit = this.read === undefined ? 2 ** 14 : maxFragment[this.read.version];
    if (length > limit && this.#options.holds("record-overflow-accepted")) {
      return violation("record_overflow", `a record of ${length} bytes`);
    }
    if (received.length < recordHeaderLength + length) return undefined;
    const record = received.subarray(0, recordHeaderLength + length);
    this.#received = received.subarray(record.length);
    this.#first = false;
    if (this.#received.length <= receiveBuffer && this.socket.isPaused()) this.socket.resume();
    return this.#opened(type, record);
  }

  #takeSsl2(received: Buffer): IncomingRecord | undefined {
    const hello = ssl2Hello(received);
    if (hello === undefined) return undefined;
    this.#first = false;
    this.#received = received.subarray(hello.length);
    const fragment = hello.record.subarray(recordHeaderLength);
    return { kind: "record", type: ContentType.handshake, fragment, protected: false };
  }

  #opened(type: number, record: Uint8Array): IncomingRecord | "skipped" {
    const { read } = this;
    const { holds } = this.#options;
    const fragment = record.subarray(recordHeaderLength);
    const clear: IncomingRecord = { kind: "record", type, fragment, protected: false };
    if (read === undefined) return clear;
    if (read.version === "TLS 1.3") {
      // RFC 8446 §5: "An implementation may receive an unencrypted record of type change_cipher_spec".
      if (type === ContentType.change_cipher_spec) return clear;
      if (type !== ContentType.application_data) {
        // A peer that has no keys yet says in clear why it does not go on.
        const soon = type === ContentType.alert && read.sequence === 0;
        if (soon || this.#takesClear(type, fragment)) return clear;
        return violation("unexpected_message", "a record in clear after keys are in use");
      }
    }
    const opened = read.open(record) ?? this.#openedAnyway(read, record);
    if (opened === undefined) {
      if (this.skipUndecryptable >= record.length && read.sequence === 0) {
        this.skipUndecryptable -= record.length;
        return "skipped";
      }
      if (this.#takesClear(type, fragment)) return clear;
      return violation("bad_record_mac", "a record that does not authenticate");
    }
    if (opened.type === 0) return violation("unexpected_message", "a record of nothing but padding");
    if (opened.fragment.length > 2 ** 14 && holds("record-overflow-accepted")) {
      return violation("record_overflow", `a record with ${opened.fragment.length} bytes of content`);
    }
    return { kind: "record", ...opened, protected: true };
  }

  #takesClear(type: number, fragment: Uint8Array): boolean {
    const { holds } = this.#options;
    if (!holds("unprotected-records-accepted")) return true;
    const alert = type === ContentType.alert && fragment.length === 2;
    return alert && !holds("unprotected-alerts-accepted");
  }

  /** How an end opens a record that does not keep count, or does not look at the tag. */
  #openedAnyway(read: RecordKeys, record: Uint8Array): OpenedRecord | undefined {
    const ahead = this.readAhead?.open(record);
    if (ahead !== undefined) {
      this.read = this.readAhead;
      this.readAhead = undefined;
      return ahead;
    }
    if (!this.#options.holds("record-sequence-not-checked")) {
      const first = Math.max(0, read.sequence - sequenceSlack);
      for (let sequence = first; sequence <= read.sequence + sequenceSlack; sequence += 1) {
        const opened = read.open(record, { sequence });
        if (opened === undefined) continue;
        read.sequence = Math.max(read.sequence, sequence + 1);
        return opened;
      }
    }
    if (this.#options.holds("record-mac-not-verified")) return undefined;
    return read.open(record, { unverified: true });
  }
}

function violation(alert: string, how: string): IncomingRecord {
  return { kind: "violation", alert, how };
}
