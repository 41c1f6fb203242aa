import { createCipheriv, createDecipheriv } from "node:crypto";
import { connect, type Socket } from "node:net";

/** RFC 9846 §5.1: ContentType. */
export const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

/** RFC 9846 §4 and RFC 5246 §7.4: HandshakeType, the ones a client meets or sends. */
export const HandshakeType = {
  clientHello: 1,
  serverHello: 2,
  newSessionTicket: 4,
  encryptedExtensions: 8,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
  keyUpdate: 24,
} as const;

export interface HandshakeMessage {
  readonly type: number;
  readonly body: Buffer;
  /** The message with its header: what goes into the transcript. */
  readonly bytes: Buffer;
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** A vector with a length prefix of `width` octets (RFC 9846 §3.4). */
export function vector(width: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(width);
  length.writeUIntBE(body.length, 0, width);
  return Buffer.concat([length, body]);
}

export function handshakeMessage(type: number, body: Uint8Array): HandshakeMessage {
  return { type, body: Buffer.from(body), bytes: Buffer.concat([u8(type), vector(3, body)]) };
}

export function extension(type: number, body: Uint8Array): Buffer {
  return Buffer.concat([u16(type), vector(2, body)]);
}

/** AES-128-GCM keys for one direction; `version` decides how nonce and additional data are made. */
export interface TrafficKeys {
  readonly version: "1.2" | "1.3";
  readonly key: Buffer;
  /** 12 octets for TLS 1.3, the 4 implicit ones for TLS 1.2 (RFC 5288 §3). */
  readonly iv: Buffer;
  sequence: bigint;
}

function sequenceBytes(sequence: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sequence);
  return bytes;
}

/** RFC 9846 §5.3: the per-record nonce is the IV XORed with the sequence number. */
function nonce13(keys: TrafficKeys): Buffer {
  const nonce = Buffer.from(keys.iv);
  const sequence = sequenceBytes(keys.sequence);
  for (let i = 0; i < 8; i++) nonce.writeUInt8(nonce.readUInt8(4 + i) ^ sequence.readUInt8(i), 4 + i);
  return nonce;
}

function seal(keys: TrafficKeys, type: number, fragment: Uint8Array): Buffer {
  const sequence = sequenceBytes(keys.sequence);
  let record: Buffer;
  if (keys.version === "1.3") {
    const inner = Buffer.concat([fragment, u8(type)]);
    const header = Buffer.concat([u8(ContentType.applicationData), u16(0x0303), u16(inner.length + 16)]);
    const cipher = createCipheriv("aes-128-gcm", keys.key, nonce13(keys));
    cipher.setAAD(header);
    record = Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
  } else {
    const cipher = createCipheriv("aes-128-gcm", keys.key, Buffer.concat([keys.iv, sequence]));
    cipher.setAAD(Buffer.concat([sequence, u8(type), u16(0x0303), u16(fragment.length)]));
    const sealed = Buffer.concat([cipher.update(fragment), cipher.final(), cipher.getAuthTag()]);
    record = Buffer.concat([u8(type), u16(0x0303), vector(2, sequence, sealed)]);
  }
  keys.sequence += 1n;
  return record;
}

function open(keys: TrafficKeys, header: Buffer, body: Buffer): { type: number; fragment: Buffer } {
  const type = header.readUInt8(0);
  const tag = body.subarray(-16);
  let plain: Buffer;
  if (keys.version === "1.3") {
    const decipher = createDecipheriv("aes-128-gcm", keys.key, nonce13(keys));
    decipher.setAAD(header).setAuthTag(tag);
    plain = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    keys.sequence += 1n;
    let end = plain.length - 1;
    while (end >= 0 && plain.readUInt8(end) === 0) end--; // RFC 9846 §5.4: padding is zeros after the type
    return { type: plain.readUInt8(end), fragment: plain.subarray(0, end) };
  }
  const sealed = body.subarray(8, -16);
  const decipher = createDecipheriv("aes-128-gcm", keys.key, Buffer.concat([keys.iv, body.subarray(0, 8)]));
  decipher
    .setAAD(Buffer.concat([sequenceBytes(keys.sequence), u8(type), u16(0x0303), u16(sealed.length)]))
    .setAuthTag(tag);
  plain = Buffer.concat([decipher.update(sealed), decipher.final()]);
  keys.sequence += 1n;
  return { type, fragment: plain };
}

export type Incoming =
  | { readonly kind: "handshake"; readonly message: HandshakeMessage }
  | { readonly kind: "alert"; readonly level: number; readonly description: number }
  | { readonly kind: "changeCipherSpec" }
  | { readonly kind: "applicationData"; readonly data: Buffer }
  | { readonly kind: "closed"; readonly error?: string };

/** TLS records over a TCP socket, in clear until keys are given. It checks nothing that a test may want to break. */
export class RecordLayer {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #handshake: Buffer = Buffer.alloc(0);
  #closed: Incoming | undefined;
  #wake: () => void = () => {};
  readKeys: TrafficKeys | undefined;
  /** TLS 1.2: what reads the peer's records from its ChangeCipherSpec on. */
  keysAfterChangeCipherSpec: TrafficKeys | undefined;
  writeKeys: TrafficKeys | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#closed = { kind: "closed", error: error.message };
      this.#wake();
    });
    socket.on("close", () => {
      this.#closed ??= { kind: "closed" };
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RecordLayer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new RecordLayer(socket);
  }

  /** Reads no more, so that what the peer sends piles up there. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Sends one record, protected where there are keys. */
  send(type: number, fragment: Uint8Array): void {
    const record =
      this.writeKeys === undefined
        ? Buffer.concat([u8(type), u16(0x0303), vector(2, fragment)])
        : seal(this.writeKeys, type, fragment);
    this.sendRaw(record);
  }

  sendRaw(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** The next message, however it was cut into records; `closed` once the peer has gone, for ever after. */
  async next(timeoutMs = 5000): Promise<Incoming> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const incoming = this.#take();
      if (incoming !== undefined) return incoming;
      if (this.#closed !== undefined) return this.#closed;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the peer said nothing for ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(): Incoming | undefined {
    for (;;) {
      if (this.#handshake.length >= 4 && this.#handshake.length >= 4 + this.#handshake.readUIntBE(1, 3)) {
        const bytes = this.#handshake.subarray(0, 4 + this.#handshake.readUIntBE(1, 3));
        this.#handshake = this.#handshake.subarray(bytes.length);
        return {
          kind: "handshake",
          message: { type: bytes.readUInt8(0), body: bytes.subarray(4), bytes },
        };
      }
      if (this.#received.length < 5) return undefined;
      const length = this.#received.readUInt16BE(3);
      if (this.#received.length < 5 + length) return undefined;
      const header = this.#received.subarray(0, 5);
      const body = this.#received.subarray(5, 5 + length);
      this.#received = this.#received.subarray(5 + length);
      const keys = header.readUInt8(0) === ContentType.changeCipherSpec ? undefined : this.readKeys;
      const { type, fragment } =
        keys === undefined ? { type: header.readUInt8(0), fragment: body } : open(keys, header, body);
      if (type === ContentType.handshake) this.#handshake = Buffer.concat([this.#handshake, fragment]);
      else if (type === ContentType.alert)
        return { kind: "alert", level: fragment.readUInt8(0), description: fragment.readUInt8(1) };
      else if (type === ContentType.changeCipherSpec) {
        this.readKeys = this.keysAfterChangeCipherSpec ?? this.readKeys;
        return { kind: "changeCipherSpec" };
      } else if (type === ContentType.applicationData) return { kind: "applicationData", data: fragment };
      else throw new Error(`record of unknown type ${type}`);
    }
  }
}

/** RFC 9846 §6: the alerts that a server sends about a client's handshake. */
const alertNames: Readonly<Record<number, string>> = {
  0: "close_notify",
  10: "unexpected_message",
  20: "bad_record_mac",
  22: "record_overflow",
  40: "handshake_failure",
  42: "bad_certificate",
  43: "unsupported_certificate",
  44: "certificate_revoked",
  45: "certificate_expired",
  46: "certificate_unknown",
  47: "illegal_parameter",
  48: "unknown_ca",
  50: "decode_error",
  51: "decrypt_error",
  70: "protocol_version",
  80: "internal_error",
  100: "no_renegotiation",
  109: "missing_extension",
  116: "certificate_required",
  120: "no_application_protocol",
};

export interface Outcome {
  /** The alert that ended it, by its RFC name; absent when the peer just closed. */
  readonly alert?: string;
  /** Application bytes that the peer sent: more than a TLS close is a session. */
  readonly applicationData: Buffer;
}

/** Reads until the peer alerts or closes, or until `enough` bytes of application data are there. */
export async function outcomeOf(records: RecordLayer, enough = Number.POSITIVE_INFINITY): Promise<Outcome> {
  let applicationData: Buffer = Buffer.alloc(0);
  for (;;) {
    const incoming = await records.next();
    if (incoming.kind === "applicationData") {
      applicationData = Buffer.concat([applicationData, incoming.data]);
      if (applicationData.length >= enough) return { applicationData };
    }
    if (incoming.kind === "alert")
      return { alert: alertNames[incoming.description] ?? `alert ${incoming.description}`, applicationData };
    if (incoming.kind === "closed") return { applicationData };
  }
}
