import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import {
  type DeviceRegistry,
  type Gateway,
  type GatewayEvent,
  type GatewayOptions,
  type RegisteredCertificate,
  type RegisteredDevice,
  startGateway,
} from "../../gateway/index.ts";
import type { Certificate } from "../../pki/index.ts";
import { deviceRecipe, type Minted, type MintedPki, mint, mintPki, type Recipe } from "./minted-pki.ts";
import { until } from "./until.ts";

/** An inventory in memory, for tests of what the gateway makes of one. */
export class TestRegistry implements DeviceRegistry {
  readonly devices = new Map<string, RegisteredDevice>();
  readonly certificates = new Map<string, RegisteredCertificate>();
  #changes = 0;

  device(id: string): RegisteredDevice | undefined {
    return this.devices.get(id);
  }

  certificate(fingerprint: string): RegisteredCertificate | undefined {
    return this.certificates.get(fingerprint);
  }

  certificatesOf(id: string): RegisteredCertificate[] {
    return [...this.certificates.values()].filter((one) => one.identityId === id);
  }

  changeCounter(): number {
    return this.#changes;
  }

  put(id: string, device: Partial<RegisteredDevice> = {}): void {
    const old = this.devices.get(id);
    this.devices.set(id, { kind: "device", status: "active", ...old, ...device });
    this.#changes += 1;
  }

  remove(id: string): void {
    this.devices.delete(id);
    this.#changes += 1;
  }

  know(certificate: Certificate, id: string, kind: "device" | "operator" = "device"): void {
    this.certificates.set(certificate.fingerprint, { identityKind: kind, identityId: id });
    this.#changes += 1;
  }

  revoke(certificate: Certificate): void {
    const row = this.certificates.get(certificate.fingerprint);
    if (row === undefined) throw new Error("revoke: the certificate is not registered");
    this.certificates.set(certificate.fingerprint, { ...row, revokedAt: new Date() });
    this.#changes += 1;
  }
}

/** A device or operator with a certificate of the test PKI. */
export interface TestPeer {
  readonly id: string;
  readonly minted: Minted;
  readonly tls: TestTls;
}

/** What a client of the test PKI dials with. */
export interface TestTls {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly checkServerIdentity: () => undefined;
}

/** A gateway with a test PKI and registry of its own, and clients for it. */
export class TestGateway implements AsyncDisposable {
  readonly pki: MintedPki;
  readonly registry: TestRegistry;
  readonly events: GatewayEvent[];
  readonly gateway: Gateway;
  readonly #clients: MqttClient[] = [];
  readonly #sockets: TLSSocket[] = [];

  private constructor(pki: MintedPki, registry: TestRegistry, gateway: Gateway, events: GatewayEvent[]) {
    this.pki = pki;
    this.registry = registry;
    this.gateway = gateway;
    this.events = events;
  }

  static async start(
    over: Partial<GatewayOptions> & { readonly pki?: MintedPki; readonly memory?: TestRegistry } = {},
  ): Promise<TestGateway> {
    const { pki = await mintPki(), memory = new TestRegistry(), ...options } = over;
    const events: GatewayEvent[] = [];
    const gateway = await startGateway({ ...gatewayOptions(pki, memory), ...options });
    gateway.on("event", (event) => events.push(event));
    return new TestGateway(pki, memory, gateway, events);
  }

  /** A registered device (or operator) with a certificate; `recipe` bends the certificate. */
  async peer(
    id: string,
    over: Partial<RegisteredDevice> = {},
    recipe: Partial<Recipe> = {},
  ): Promise<TestPeer> {
    const peer = await this.stranger(id, over, recipe);
    this.registry.put(id, over);
    this.registry.know(peer.minted.certificate, id, over.kind);
    return peer;
  }

  /** The same without its being registered. */
  async stranger(
    id: string,
    over: Partial<RegisteredDevice> = {},
    recipe: Partial<Recipe> = {},
  ): Promise<TestPeer> {
    const { issuing } = this.pki;
    const value = `spiffe://sallyport.internal/${over.kind ?? "device"}/${id}`;
    const minted = await mint({
      ...deviceRecipe(issuing, id),
      subjectAltName: [{ type: "uniformResourceIdentifier", value }],
      ...recipe,
    });
    return { id, minted, tls: this.tlsOf(minted) };
  }

  tlsOf(minted: Minted, ...above: readonly Minted[]): TestTls {
    const chain = above.length === 0 ? [this.pki.issuing] : above;
    return {
      host: "127.0.0.1",
      port: this.gateway.mqttPort,
      ca: this.pki.root.pem,
      cert: [minted, ...chain].map((one) => one.pem).join(""),
      key: minted.signer.exportForTls(),
      checkServerIdentity: () => undefined,
    };
  }

  /** An MQTT client that is connected, or rejects with why it is not. It does not reconnect. */
  async connect(peer: TestPeer, over: IClientOptions = {}): Promise<MqttClient> {
    const client = mqtt.connect({
      ...peer.tls,
      protocol: "mqtts",
      clientId: peer.id,
      reconnectPeriod: 0,
      connectTimeout: 5000,
      ...over,
    });
    this.#clients.push(client);
    let failure: Error | undefined;
    client.on("error", (error) => {
      failure ??= error;
    });
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("close", () => reject(failure ?? new Error("closed before CONNACK")));
    });
    return client;
  }

  /** A bare TLS connection, once its handshake is done on this side; everything it receives is collected. */
  async dial(options: ConnectionOptions): Promise<RawClient> {
    const socket = connectTls(options);
    this.#sockets.push(socket);
    const raw = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", () => resolve());
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed in the handshake")));
    });
    return raw;
  }

  eventsOf<T extends GatewayEvent["type"]>(type: T): Array<Extract<GatewayEvent, { type: T }>> {
    return this.events.filter((event): event is Extract<GatewayEvent, { type: T }> => event.type === type);
  }

  /** The first event of a type that fits, once there is one. */
  async event<T extends GatewayEvent["type"]>(
    type: T,
    fits: (event: Extract<GatewayEvent, { type: T }>) => boolean = () => true,
    deadlineMs = 5000,
  ): Promise<Extract<GatewayEvent, { type: T }>> {
    const find = () => this.eventsOf(type).find(fits);
    await until(`an event ${type}`, () => find() !== undefined, deadlineMs).catch((error: unknown) => {
      throw new Error(`${String(error)}; seen: ${JSON.stringify(this.events.slice(-8))}`);
    });
    const found = find();
    if (found === undefined) throw new Error("unreachable: it was there");
    return found;
  }

  /** Waits for the next refusal and returns its reason. */
  async refusal(): Promise<string> {
    const { reason } = await this.event("connection.refused");
    return reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.end(true);
    for (const socket of this.#sockets) socket.destroy();
    await this.gateway.close();
  }
}

export function gatewayOptions(pki: MintedPki, registry: DeviceRegistry): GatewayOptions {
  return {
    mqttPort: 0,
    identity: {
      key: pki.gateway.signer.exportForTls(),
      certificateChain: pki.gateway.pem + pki.issuing.pem,
    },
    anchors: [pki.root.certificate],
    intermediates: [pki.issuing.certificate],
    registry,
  };
}

/** One end of a TLS connection that says what the test says. */
export class RawClient {
  readonly socket: TLSSocket;
  receivedBytes = 0;
  #chunks: Buffer[] = [];
  closed = false;
  session: Buffer | undefined;
  /** The handshake resumed an earlier session. */
  resumed = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.receivedBytes += chunk.length;
    });
    socket.once("secureConnect", () => {
      this.resumed = socket.isSessionReused();
    });
    socket.on("session", (session) => {
      this.session = session;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
    });
  }

  /** Everything received so far. */
  get received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  send(...parts: ReadonlyArray<Uint8Array | string>): void {
    this.socket.write(
      Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "hex") : part))),
    );
  }

  async untilReceived(length: number): Promise<Buffer> {
    await until(`${length} bytes`, () => this.receivedBytes >= length || this.closed);
    return this.received;
  }

  async untilClosed(): Promise<void> {
    await until("the gateway closes", () => this.closed);
  }
}
