import { AlertDescription, ContentType, handshakeName, nameOf } from "./numbers.ts";
import type { IncomingRecord, RecordLayer } from "./record-layer.ts";
import type { TlsRule } from "./rules.ts";

export interface HandshakeMessage {
  readonly msgType: number;
  /** RFC name. */
  readonly name: string;
  /** Without the header. */
  readonly body: Uint8Array;
  /** With it: what goes into the transcript. */
  readonly bytes: Uint8Array;
  /** It came in a record that was sealed. */
  readonly protected: boolean;
}

export type Item =
  | { readonly kind: "handshake"; readonly message: HandshakeMessage }
  | { readonly kind: "changeCipherSpec"; readonly fragment: Uint8Array }
  | { readonly kind: "alert"; readonly level: number; readonly alert: string }
  | { readonly kind: "data"; readonly data: Uint8Array }
  | Exclude<IncomingRecord, { readonly kind: "record" }>;

/** No handshake message can be longer (RFC 8446 §4). */
const longestMessage = 2 ** 24 + 3;

/** Puts handshake messages together, however they were cut into records. */
export class MessageReader {
  readonly #records: RecordLayer;
  readonly #holds: (rule: TlsRule) => boolean;
  readonly #maxMessageLength: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #protected = false;

  constructor(records: RecordLayer, holds: (rule: TlsRule) => boolean, maxMessageLength: number) {
    this.#records = records;
    this.#holds = holds;
    this.#maxMessageLength = maxMessageLength;
  }

  /** Some bytes of a handshake message are there that were not given out yet. */
  get midMessage(): boolean {
    return this.#length > 0;
  }

  async next(timeoutMs: number): Promise<Item> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const whole = this.#whole();
      if (whole !== undefined) return whole;
      const record = await this.#records.next(deadline - performance.now());
      if (record.kind !== "record") return record;
      const item = this.#read(record);
      if (item !== undefined) return item;
    }
  }

  #read(record: Extract<IncomingRecord, { kind: "record" }>): Item | undefined {
    const { type, fragment } = record;
    if (type === ContentType.handshake) {
      // RFC 8446 §5.1: "Implementations MUST NOT send zero-length fragments of Handshake types".
      if (fragment.length === 0 && this.#holds("empty-records-accepted")) {
        return violation("unexpected_message", "a handshake record without content");
      }
      this.#parts.push(Uint8Array.from(fragment));
      this.#length += fragment.length;
      this.#protected = record.protected;
      return undefined;
    }
    // RFC 8446 §5.1: "there MUST NOT be any other records between them"
    if (this.#length > 0 && type !== ContentType.alert && this.#holds("interleaved-records-accepted")) {
      return violation("unexpected_message", "another record within a handshake message");
    }
    if (type === ContentType.change_cipher_spec) return { kind: "changeCipherSpec", fragment };
    if (type === ContentType.application_data) return { kind: "data", data: Uint8Array.from(fragment) };
    if (type !== ContentType.alert) return violation("unexpected_message", `a record of type ${type}`);
    if (fragment.length !== 2) return violation("decode_error", `an alert of ${fragment.length} bytes`);
    return {
      kind: "alert",
      level: fragment[0] ?? 0,
      alert: nameOf(AlertDescription, fragment[1] ?? 255),
    };
  }

  #whole(): Item | undefined {
    if (this.#length < 4) return undefined;
    const [first] = this.#parts;
    if (first === undefined || first.length < 4) this.#parts = [Buffer.concat(this.#parts)];
    const head = this.#parts[0] ?? new Uint8Array(4);
    const length = 4 + (((head[1] ?? 0) << 16) | ((head[2] ?? 0) << 8) | (head[3] ?? 0));
    const limit = this.#holds("handshake-size-unbounded") ? this.#maxMessageLength : longestMessage;
    if (length > limit) return violation("illegal_parameter", `a handshake message of ${length} bytes`);
    if (this.#length < length) return undefined;
    const all = this.#parts.length === 1 ? head : Buffer.concat(this.#parts);
    const bytes = all.subarray(0, length);
    const rest = all.subarray(length);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    const msgType = bytes[0] ?? 0;
    return {
      kind: "handshake",
      message: {
        msgType,
        name: handshakeName(msgType),
        body: bytes.subarray(4),
        bytes,
        protected: this.#protected,
      },
    };
  }
}

function violation(alert: string, how: string): Item {
  return { kind: "violation", alert, how };
}
