import type { End } from "./ends.ts";
import { alertName, handshakeName, mqttName } from "./names.ts";

/** RFC 8446 §5.1, RFC 5246 §6.2.1. */
export const TlsContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
} as const;

/** RFC 5246 §6.2.3: a protected fragment has at most 2^14 + 2048 bytes. */
const maxFragmentLength = 2 ** 14 + 2048;
const headerLength = 5;

/** A record on its way, as somebody sees it who holds no key; or bytes that are no TLS, as they came. */
export interface PathRecord {
  readonly from: End;
  /** Counted from 0, in each direction of a connection. */
  readonly index: number;
  /** Undefined for bytes that are no TLS record. */
  readonly contentType: number | undefined;
  /** legacy_record_version. */
  readonly version: number;
  /** What the header frames. */
  readonly fragment: Uint8Array;
  /** With the header. */
  readonly bytes: Uint8Array;
  /** Its content cannot be read without keys. */
  readonly isProtected: boolean;
  /** "ClientHello", "ServerHello, Certificate", "application data", "protected handshake record". */
  readonly what: string;
}

/** A record with this content, as its header has to be. */
export function tlsRecord(contentType: number, fragment: Uint8Array, version = 0x0303): Uint8Array {
  const bytes = new Uint8Array(headerLength + fragment.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, contentType);
  view.setUint16(1, version);
  view.setUint16(3, fragment.length);
  bytes.set(fragment, headerLength);
  return bytes;
}

/** Cuts one direction of a TCP connection into records, and names what can be seen of them. */
export class RecordReader {
  readonly #from: End;
  #pending: Uint8Array = new Uint8Array();
  #index = 0;
  #changedCipher = false;
  /** Bytes that are still to come of the handshake message that a record has begun. */
  #unfinished = 0;
  /** RFC 8446 §5: once a record cannot be one, what follows cannot be read either. */
  #isTls = true;

  constructor(from: End) {
    this.#from = from;
  }

  /** The records that are whole with this chunk. */
  push(chunk: Uint8Array): PathRecord[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const records: PathRecord[] = [];
    while (this.#pending.length > 0) {
      const end = this.#recordEnd();
      if (end === undefined || end > this.#pending.length) break;
      const bytes = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      records.push(this.#record(bytes));
    }
    return records;
  }

  /** What is left of a record that never became whole. */
  rest(): Uint8Array {
    const rest = this.#pending;
    this.#pending = new Uint8Array();
    return rest;
  }

  #recordEnd(): number | undefined {
    const bytes = this.#pending;
    if (!this.#isTls) return bytes.length;
    const [type = 0, major] = bytes;
    const isRecord = type >= 20 && type <= 24 && (bytes.length < 2 || major === 3);
    const length = bytes.length < headerLength ? 0 : uint16(bytes, 3);
    if (!isRecord || length > maxFragmentLength) {
      this.#isTls = false;
      return bytes.length;
    }
    return bytes.length < headerLength ? undefined : headerLength + length;
  }

  #record(bytes: Uint8Array): PathRecord {
    const common = { from: this.#from, index: this.#index, bytes };
    this.#index += 1;
    if (!this.#isTls) {
      const what = mqttName(bytes) ?? "bytes that are no TLS record";
      return { ...common, contentType: undefined, version: 0, fragment: bytes, isProtected: false, what };
    }
    const contentType = bytes[0] ?? 0;
    const fragment = bytes.subarray(headerLength);
    const { what, isProtected } = this.#name(contentType, fragment);
    return { ...common, contentType, version: uint16(bytes, 1), fragment, isProtected, what };
  }

  #name(contentType: number, fragment: Uint8Array): { what: string; isProtected: boolean } {
    switch (contentType) {
      case TlsContentType.changeCipherSpec:
        this.#changedCipher = true;
        return { what: "ChangeCipherSpec", isProtected: false };
      case TlsContentType.alert:
        if (this.#changedCipher && fragment.length !== 2)
          return { what: "protected alert", isProtected: true };
        return { what: `Alert ${alertName(fragment[1] ?? 255)}`, isProtected: false };
      case TlsContentType.handshake:
        // RFC 8446 §D.4: a dummy ChangeCipherSpec may stand before a second ClientHello, which is in clear.
        if (this.#changedCipher && !isWholeHello(fragment))
          return { what: "protected handshake record", isProtected: true };
        return { what: this.#nameHandshake(fragment), isProtected: false };
      case TlsContentType.applicationData:
        return { what: "application data", isProtected: true };
      default:
        return { what: `record of content type ${contentType}`, isProtected: this.#changedCipher };
    }
  }

  #nameHandshake(fragment: Uint8Array): string {
    const names: string[] = [];
    let at = Math.min(this.#unfinished, fragment.length);
    this.#unfinished -= at;
    while (fragment.length - at >= 4) {
      names.push(handshakeName(fragment[at] ?? 0));
      const end = at + 4 + uint24(fragment, at + 1);
      this.#unfinished = Math.max(0, end - fragment.length);
      at = Math.min(end, fragment.length);
    }
    return names.length === 0 ? "rest of a handshake message" : names.join(", ");
  }
}

/** The handshake messages in the fragment of a record in clear, header and all; what is cut off ends the list. */
export function handshakeMessagesIn(fragment: Uint8Array): Array<{ msgType: number; body: Uint8Array }> {
  const messages: Array<{ msgType: number; body: Uint8Array }> = [];
  let at = 0;
  while (fragment.length - at >= 4) {
    const end = at + 4 + uint24(fragment, at + 1);
    if (end > fragment.length) break;
    messages.push({ msgType: fragment[at] ?? 0, body: fragment.subarray(at + 4, end) });
    at = end;
  }
  return messages;
}

/** A handshake message of TLS with its header. */
export function handshakeBytes(msgType: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(msgType, body.length >>> 16, (body.length >>> 8) & 0xff, body.length & 0xff),
    body,
  ]);
}

function isWholeHello(fragment: Uint8Array): boolean {
  return (fragment[0] === 1 || fragment[0] === 2) && 4 + uint24(fragment, 1) === fragment.length;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 65_536 + uint16(bytes, at + 1);
}
