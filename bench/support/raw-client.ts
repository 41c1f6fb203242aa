import { readFileSync } from "node:fs";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import {
  connectPacket,
  disconnectPacket,
  firstByte,
  PacketScanner,
  type PacketSink,
  type Qos,
  subscribePacket,
} from "./mqtt-packets.ts";

/** PEM files of one device or operator, as `sallyport device add` leaves them. */
export interface IdentityFiles {
  readonly id: string;
  readonly key: string;
  readonly certificate: string;
}

export interface ConnectOptions {
  readonly port: number;
  readonly clientId: string;
  readonly context: SecureContext;
  readonly cleanSession?: boolean;
  readonly resume?: Buffer;
  readonly onSession?: (ticket: Buffer) => void;
}

/** Key exchange the generator offers: the same for every broker, so that no column pays for a larger one. */
export const classicGroup = "X25519";
/** What a client that prefers post-quantum key exchange offers. */
export const hybridGroups = "X25519MLKEM768:X25519";

/** One context per identity: reading PEM per connection would measure the generator. */
export function clientContext(identity: IdentityFiles, caFile: string, groups = classicGroup): SecureContext {
  return createSecureContext({
    key: readFileSync(identity.key),
    cert: readFileSync(identity.certificate),
    ca: readFileSync(caFile),
    minVersion: "TLSv1.3",
    ecdhCurve: groups,
  });
}

/** A raw TLS socket that speaks just enough MQTT. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly clientId: string;
  /** Replaced by whoever counts deliveries. */
  onPacket: PacketSink = ignore;
  #packetId = 0;

  private constructor(socket: TLSSocket, clientId: string) {
    this.socket = socket;
    this.clientId = clientId;
    const scanner = new PacketScanner((first, bytes, start, end) => this.onPacket(first, bytes, start, end));
    socket.on("data", (chunk: Buffer) => scanner.push(chunk));
  }

  /** Handshake, CONNECT, CONNACK. Rejects when the broker refuses or closes. */
  static async open(options: ConnectOptions): Promise<RawClient> {
    const socket = connect({
      host: "127.0.0.1",
      port: options.port,
      servername: "localhost",
      secureContext: options.context,
      ...(options.resume === undefined ? {} : { session: options.resume }),
    });
    socket.setNoDelay(true);
    if (options.onSession !== undefined) socket.on("session", options.onSession);
    const client = new RawClient(socket, options.clientId);
    socket.once("secureConnect", () => {
      socket.write(connectPacket(options.clientId, options.cleanSession ?? true));
    });
    const connack = await client.#next(firstByte.connack);
    if (connack[1] !== 0) throw new Error(`${options.clientId}: CONNACK return code ${connack[1]}`);
    return client;
  }

  async subscribe(filter: string, qos: Qos): Promise<void> {
    const granted = this.#next(firstByte.suback);
    this.socket.write(subscribePacket(this.nextPacketId(), filter, qos));
    const suback = await granted;
    if ((suback[2] ?? 0x80) >= 0x80) throw new Error(`${this.clientId}: SUBSCRIBE ${filter} refused`);
  }

  nextPacketId(): number {
    this.#packetId = (this.#packetId % 0xffff) + 1;
    return this.#packetId;
  }

  /** DISCONNECT, then waits until the broker has closed too. */
  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    this.onPacket = ignore;
    const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
    this.socket.end(disconnectPacket());
    const giveUp = setTimeout(() => this.socket.destroy(), 2_000);
    await closed;
    clearTimeout(giveUp);
  }

  /** The body of the next packet of one type. */
  #next(first: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const before = this.onPacket;
      const failed = (error?: Error) => {
        clearTimeout(timer);
        this.socket.destroy();
        reject(error ?? new Error(`${this.clientId}: the broker closed`));
      };
      const timer = setTimeout(() => failed(new Error(`${this.clientId}: no answer within 20 s`)), 20_000);
      const closed = () => failed();
      this.socket.once("error", failed).once("close", closed);
      this.onPacket = (type, bytes, start, end) => {
        if (type !== first) return before(type, bytes, start, end);
        clearTimeout(timer);
        this.socket.off("error", failed).off("close", closed);
        // From here on a reset is seen as the end of the connection by whoever waits for packets.
        this.socket.on("error", ignore);
        this.onPacket = before;
        resolve(bytes.subarray(start, end));
      };
    });
  }
}

function ignore(): void {}
