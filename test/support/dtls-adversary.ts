import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { certificateCredential } from "../../dtls/index.ts";
import { Alert } from "../../dtls/wire/alert.ts";
import type { ClientExtensions } from "../../dtls/wire/extensions.ts";
import { decode } from "../../dtls/wire/presentation.ts";
import { AlertDescription, ContentType, HandshakeType, nameOf } from "../../dtls/wire/registry.ts";
import { Prng } from "../../mitm/prng.ts";
import { AdversaryClient } from "./dtls/adversary-client.ts";
import { FakeEnvironment } from "./dtls/environment.ts";
import { suiteNamed } from "./dtls/settings.ts";

export interface AdversaryOverUdpOptions {
  /** What it shows, PEM: its certificate and chain, and the key that it signs with. */
  readonly shows?: { readonly cert: string; readonly key: string };
  readonly suite?: string;
  readonly extensions?: ClientExtensions;
  readonly seed?: number;
}

/** A client over UDP that sends what a test says, message by message: see AdversaryClient. */
export class AdversaryOverUdp implements AsyncDisposable {
  readonly client: AdversaryClient;
  readonly #socket: Socket;
  readonly #port: number;

  private constructor(client: AdversaryClient, socket: Socket, port: number) {
    this.client = client;
    this.#socket = socket;
    this.#port = port;
    socket.on("message", (datagram) => client.hear([datagram]));
  }

  static async open(port: number, options: AdversaryOverUdpOptions = {}): Promise<AdversaryOverUdp> {
    const { shows, extensions, seed = 1 } = options;
    const prng = new Prng(seed);
    const client = new AdversaryClient({
      suite: suiteNamed(options.suite ?? "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
      prng,
      environment: new FakeEnvironment({ now: () => 0, prng, keyShares: "fresh" }),
      ...(shows && { credential: certificateCredential(shows) }),
      ...(extensions && { extensions }),
    });
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new AdversaryOverUdp(client, socket, port);
  }

  send(...datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#socket.send(datagram, this.#port, "127.0.0.1");
  }

  /** Both ClientHellos; resolves with the server's flight heard, or with its alert. */
  async hello(): Promise<void> {
    this.send(this.client.clientHello());
    await this.#heard(HandshakeType.hello_verify_request);
    this.send(this.client.clientHello());
    await this.#heard(HandshakeType.server_hello_done);
  }

  /** The alert that the server sent, once it did. */
  async alert(): Promise<string> {
    await this.#until(() => this.#alertHeard() !== undefined);
    return this.#alertHeard() ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }

  #alertHeard(): string | undefined {
    const record = this.client.heardRecords.find(({ type }) => type === ContentType.alert);
    if (record === undefined) return undefined;
    return nameOf(AlertDescription, decode("Alert", Alert, record.plaintext).description);
  }

  #heard(msgType: number): Promise<void> {
    return this.#until(() => this.client.heardTypes.includes(msgType) || this.#alertHeard() !== undefined);
  }

  async #until(condition: () => boolean): Promise<void> {
    const end = performance.now() + 5000;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`heard only ${this.client.heardTypes.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
