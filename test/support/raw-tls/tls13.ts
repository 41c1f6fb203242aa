import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import {
  ContentType,
  extension,
  type HandshakeMessage,
  HandshakeType,
  handshakeMessage,
  RecordLayer,
  type TrafficKeys,
  u8,
  u16,
  vector,
} from "./wire.ts";

/** RFC 9846 §4.2.3: SignatureScheme, with what node:crypto calls the hash. */
const signatureSchemes = {
  ecdsa_secp256r1_sha256: { code: 0x0403, hash: "sha256" },
  ecdsa_sha1: { code: 0x0203, hash: "sha1" },
  rsa_pkcs1_sha256: { code: 0x0401, hash: "sha256" },
  ed25519: { code: 0x0807, hash: undefined },
} as const;
export type SignatureSchemeName = keyof typeof signatureSchemes;

const x25519Prefix = Buffer.from("302a300506032b656e032100", "hex");

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** RFC 9846 §7.1: HKDF-Expand-Label; one block of HMAC-SHA-256 is enough for every length used here. */
function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Buffer {
  const info = Buffer.concat([u16(length), vector(1, Buffer.from(`tls13 ${label}`)), vector(1, context)]);
  return hmac(secret, Buffer.concat([info, u8(1)])).subarray(0, length);
}

/** RFC 9846 §7.1: Derive-Secret. */
function deriveSecret(secret: Uint8Array, label: string, transcript: Uint8Array): Buffer {
  return expandLabel(secret, label, sha256(transcript), 32);
}

function trafficKeys(secret: Buffer): TrafficKeys {
  const empty = Buffer.alloc(0);
  return {
    version: "1.3",
    key: expandLabel(secret, "key", empty, 16),
    iv: expandLabel(secret, "iv", empty, 12),
    sequence: 0n,
  };
}

/**
 * A TLS 1.3 client (RFC 9846, TLS_AES_128_GCM_SHA256, X25519) that gets as far as the server's Finished by itself and
 * from there sends what a test tells it to, in any order.
 */
export class RawTls13 {
  readonly records: RecordLayer;
  #transcript: Buffer = Buffer.alloc(0);
  #clientSecret: Buffer = Buffer.alloc(0);
  #applicationKeys: TrafficKeys | undefined;
  #applicationSecret: Buffer = Buffer.alloc(0);
  #serverSecret: Buffer = Buffer.alloc(0);

  private constructor(records: RecordLayer) {
    this.records = records;
  }

  /** Connects and reads the server's first flight, which must ask for a certificate. */
  static async open(port: number): Promise<RawTls13> {
    const tls = new RawTls13(await RecordLayer.connect(port));
    await tls.#hello();
    return tls;
  }

  /** RFC 9846 §4.4.2: Certificate, leaf first. An empty list is the client that has none. */
  certificate(chain: readonly Uint8Array[]): HandshakeMessage {
    const entries = chain.map((der) => Buffer.concat([vector(3, der), vector(2)]));
    return handshakeMessage(HandshakeType.certificate, Buffer.concat([vector(1), vector(3, ...entries)]));
  }

  /** RFC 9846 §4.4.3: CertificateVerify over the transcript so far, or over another that a test gives. */
  certificateVerify(
    key: KeyObject,
    options: { scheme?: SignatureSchemeName; transcript?: Uint8Array; context?: string } = {},
  ): HandshakeMessage {
    const scheme = signatureSchemes[options.scheme ?? "ecdsa_secp256r1_sha256"];
    const content = Buffer.concat([
      Buffer.alloc(64, 0x20),
      Buffer.from(options.context ?? "TLS 1.3, client CertificateVerify"),
      u8(0),
      sha256(options.transcript ?? this.#transcript),
    ]);
    return this.certificateVerifyWith(sign(scheme.hash, content, key), scheme.code);
  }

  /** CertificateVerify with a signature made elsewhere. */
  certificateVerifyWith(signature: Uint8Array, schemeCode = 0x0403): HandshakeMessage {
    return handshakeMessage(
      HandshakeType.certificateVerify,
      Buffer.concat([u16(schemeCode), vector(2, signature)]),
    );
  }

  /** RFC 9846 §4.4.4: Finished over the transcript so far. */
  finished(): HandshakeMessage {
    const key = expandLabel(this.#clientSecret, "finished", Buffer.alloc(0), 32);
    return handshakeMessage(HandshakeType.finished, hmac(key, sha256(this.#transcript)));
  }

  /** The transcript so far, for a test that replays a signature elsewhere. */
  transcript(): Buffer {
    return Buffer.from(this.#transcript);
  }

  send(message: HandshakeMessage): void {
    this.#transcript = Buffer.concat([this.#transcript, message.bytes]);
    this.records.send(ContentType.handshake, message.bytes);
  }

  /** From here on records are under the client's application traffic keys. */
  useApplicationKeys(): void {
    this.records.writeKeys = this.#applicationKeys;
  }

  /** RFC 8446 §4.6.3: KeyUpdate, asking for the same of the server, and the next keys. */
  keyUpdate(): void {
    this.records.send(ContentType.handshake, handshakeMessage(HandshakeType.keyUpdate, u8(1)).bytes);
    this.#applicationSecret = expandLabel(this.#applicationSecret, "traffic upd", Buffer.alloc(0), 32);
    this.#applicationKeys = trafficKeys(this.#applicationSecret);
    this.records.writeKeys = this.#applicationKeys;
  }

  /** The server's next keys, after a KeyUpdate of its. */
  serverKeyUpdated(): void {
    this.#serverSecret = expandLabel(this.#serverSecret, "traffic upd", Buffer.alloc(0), 32);
    this.records.readKeys = trafficKeys(this.#serverSecret);
  }

  async #hello(): Promise<void> {
    const pair = generateKeyPairSync("x25519");
    const share = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const hello = handshakeMessage(
      HandshakeType.clientHello,
      Buffer.concat([
        u16(0x0303),
        randomBytes(32),
        vector(1),
        vector(2, u16(0x1301)),
        vector(1, u8(0)),
        vector(
          2,
          extension(43, vector(1, u16(0x0304))), // supported_versions
          extension(10, vector(2, u16(0x001d))), // supported_groups
          extension(51, vector(2, u16(0x001d), vector(2, share))), // key_share
          extension(13, vector(2, u16(0x0403), u16(0x0804), u16(0x0807), u16(0x0401))), // signature_algorithms
        ),
      ]),
    );
    this.#transcript = hello.bytes;
    this.records.send(ContentType.handshake, hello.bytes);

    const serverHello = await this.#expect(HandshakeType.serverHello);
    const peerShare = serverKeyShare(serverHello.body);
    const shared = diffieHellman({
      privateKey: pair.privateKey,
      publicKey: createPublicKey({
        key: Buffer.concat([x25519Prefix, peerShare]),
        format: "der",
        type: "spki",
      }),
    });
    const zeros = Buffer.alloc(32);
    const empty = Buffer.alloc(0);
    const handshakeSecret = hmac(deriveSecret(hmac(zeros, zeros), "derived", empty), shared);
    const upToServerHello = this.#transcript;
    this.#clientSecret = deriveSecret(handshakeSecret, "c hs traffic", upToServerHello);
    this.records.readKeys = trafficKeys(deriveSecret(handshakeSecret, "s hs traffic", upToServerHello));

    let asked = false;
    for (;;) {
      const message = await this.#expect();
      if (message.type === HandshakeType.certificateRequest) asked = true;
      if (message.type === HandshakeType.finished) break;
    }
    if (!asked) throw new Error("the server did not ask for a certificate");
    const main = hmac(deriveSecret(handshakeSecret, "derived", empty), zeros);
    this.#applicationSecret = deriveSecret(main, "c ap traffic", this.#transcript);
    this.#applicationKeys = trafficKeys(this.#applicationSecret);
    this.#serverSecret = deriveSecret(main, "s ap traffic", this.#transcript);
    this.records.readKeys = trafficKeys(this.#serverSecret);
    this.records.writeKeys = trafficKeys(this.#clientSecret);
  }

  async #expect(type?: number): Promise<HandshakeMessage> {
    for (;;) {
      const incoming = await this.records.next();
      if (incoming.kind === "changeCipherSpec") continue;
      if (incoming.kind !== "handshake" || (type !== undefined && incoming.message.type !== type))
        throw new Error(`handshake message ${type ?? ""} expected, got ${JSON.stringify(incoming)}`);
      this.#transcript = Buffer.concat([this.#transcript, incoming.message.bytes]);
      return incoming.message;
    }
  }
}

function serverKeyShare(body: Buffer): Buffer {
  let at = 2 + 32;
  at += 1 + body.readUInt8(at); // legacy_session_id_echo
  at += 2 + 1 + 2; // cipher_suite, legacy_compression_method, extensions' length
  while (at < body.length) {
    const type = body.readUInt16BE(at);
    const length = body.readUInt16BE(at + 2);
    if (type === 51) return body.subarray(at + 8, at + 4 + length);
    at += 4 + length;
  }
  throw new Error("no key_share in ServerHello");
}
