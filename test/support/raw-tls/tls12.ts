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

const x25519Prefix = Buffer.from("302a300506032b656e032100", "hex");

/** RFC 5246 §5: P_SHA256(secret, label + seed). */
function prf(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(label), seed]);
  const hmac = (data: Uint8Array) => createHmac("sha256", secret).update(data).digest();
  let a = hmac(labelled);
  let out = Buffer.alloc(0);
  while (out.length < length) {
    out = Buffer.concat([out, hmac(Buffer.concat([a, labelled]))]);
    a = hmac(a);
  }
  return out.subarray(0, length);
}

function sha256(data: Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

/**
 * A TLS 1.2 client (RFC 5246, ECDHE with AES-128-GCM, X25519, extended master secret) that reads the server's first
 * flight by itself and from there sends what a test tells it to, in any order. It does not check the server.
 */
export class RawTls12 {
  readonly records: RecordLayer;
  #transcript: Buffer = Buffer.alloc(0);
  #clientRandom: Buffer = randomBytes(32);
  #serverRandom: Buffer = Buffer.alloc(0);
  #preMaster: Buffer = Buffer.alloc(0);
  #masterSecret: Buffer = Buffer.alloc(0);
  #share: Buffer = Buffer.alloc(0);

  private constructor(records: RecordLayer) {
    this.records = records;
  }

  /** Connects and reads up to ServerHelloDone; the server must ask for a certificate. */
  static async open(port: number): Promise<RawTls12> {
    const tls = new RawTls12(await RecordLayer.connect(port));
    await tls.#hello();
    return tls;
  }

  /** RFC 5246 §7.4.6: client Certificate, leaf first. An empty list is the client that has none. */
  certificate(chain: readonly Uint8Array[]): HandshakeMessage {
    return handshakeMessage(HandshakeType.certificate, vector(3, ...chain.map((der) => vector(3, der))));
  }

  /** RFC 8422 §5.7: ClientKeyExchange with our ephemeral point. */
  clientKeyExchange(): HandshakeMessage {
    return handshakeMessage(HandshakeType.clientKeyExchange, vector(1, this.#share));
  }

  /** RFC 5246 §7.4.8: CertificateVerify over all handshake messages so far. */
  certificateVerify(
    key: KeyObject,
    options: { hash?: "sha256" | "sha1"; transcript?: Uint8Array } = {},
  ): HandshakeMessage {
    const hash = options.hash ?? "sha256";
    const signature = sign(hash, options.transcript ?? this.#transcript, key);
    return handshakeMessage(
      HandshakeType.certificateVerify,
      Buffer.concat([u16(hash === "sha1" ? 0x0203 : 0x0403), vector(2, signature)]),
    );
  }

  /** RFC 5246 §7.4.9: Finished; `verifyData` replaces the true one. */
  finished(verifyData?: Uint8Array): HandshakeMessage {
    const data = verifyData ?? prf(this.#masterSecret, "client finished", sha256(this.#transcript), 12);
    return handshakeMessage(HandshakeType.finished, data);
  }

  transcript(): Buffer {
    return Buffer.from(this.#transcript);
  }

  send(message: HandshakeMessage): void {
    this.#transcript = Buffer.concat([this.#transcript, message.bytes]);
    this.records.send(ContentType.handshake, message.bytes);
    // RFC 7627 §4: the session hash covers everything up to and including ClientKeyExchange.
    if (message.type === HandshakeType.clientKeyExchange)
      this.#masterSecret = prf(this.#preMaster, "extended master secret", sha256(this.#transcript), 48);
  }

  /** ChangeCipherSpec; what follows is protected, in both directions once the server has changed too. */
  changeCipherSpec(): void {
    this.records.send(ContentType.changeCipherSpec, u8(1));
    const block = prf(
      this.#masterSecret,
      "key expansion",
      Buffer.concat([this.#serverRandom, this.#clientRandom]),
      2 * 16 + 2 * 4,
    );
    const keys = (key: number, iv: number): TrafficKeys => ({
      version: "1.2",
      key: block.subarray(key, key + 16),
      iv: block.subarray(iv, iv + 4),
      sequence: 0n,
    });
    this.records.writeKeys = keys(0, 32);
    this.records.keysAfterChangeCipherSpec = keys(16, 36);
  }

  async #hello(): Promise<void> {
    const hello = handshakeMessage(
      HandshakeType.clientHello,
      Buffer.concat([
        u16(0x0303),
        this.#clientRandom,
        vector(1),
        vector(2, u16(0xc02b), u16(0xc02f)), // ECDHE_ECDSA and ECDHE_RSA with AES_128_GCM_SHA256
        vector(1, u8(0)),
        vector(
          2,
          extension(10, vector(2, u16(0x001d), u16(0x0017))), // supported_groups: ours, and P-256 for the certificates
          extension(11, vector(1, u8(0))), // ec_point_formats
          extension(13, vector(2, u16(0x0403), u16(0x0804), u16(0x0807), u16(0x0401))), // signature_algorithms
          extension(23, Buffer.alloc(0)), // extended_master_secret
          extension(0xff01, u8(0)), // renegotiation_info
        ),
      ]),
    );
    this.#transcript = hello.bytes;
    this.records.send(ContentType.handshake, hello.bytes);
    let asked = false;
    for (;;) {
      const incoming = await this.records.next();
      if (incoming.kind !== "handshake")
        throw new Error(`handshake message expected, got ${JSON.stringify(incoming)}`);
      const { type, body, bytes } = incoming.message;
      this.#transcript = Buffer.concat([this.#transcript, bytes]);
      if (type === HandshakeType.serverHello) this.#serverRandom = Buffer.from(body.subarray(2, 34));
      if (type === HandshakeType.serverKeyExchange) this.#agree(body);
      if (type === HandshakeType.certificateRequest) asked = true;
      if (type === HandshakeType.serverHelloDone) break;
    }
    if (!asked) throw new Error("the server did not ask for a certificate");
  }

  /** RFC 8422 §5.4: ServerECDHParams is curve_type 3, the group, and the point. */
  #agree(serverKeyExchange: Buffer): void {
    const point = serverKeyExchange.subarray(4, 4 + serverKeyExchange.readUInt8(3));
    const pair = generateKeyPairSync("x25519");
    this.#share = Buffer.from(pair.publicKey.export({ type: "spki", format: "der" }).subarray(-32));
    this.#preMaster = diffieHellman({
      privateKey: pair.privateKey,
      publicKey: createPublicKey({ key: Buffer.concat([x25519Prefix, point]), format: "der", type: "spki" }),
    });
  }
}
