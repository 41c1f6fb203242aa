import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type ConnectOptions, connect, type DTLSSession, DtlsError } from "../../dtls/index.ts";
import type { Minted } from "./minted-pki.ts";
import { TestGateway, type TestPeer } from "./test-gateway.ts";

/** A test gateway with DTLS, and devices that dial it with `sallyport/dtls`. */
export class DtlsTestGateway implements AsyncDisposable {
  readonly at: TestGateway;
  readonly #sessions: DTLSSession[] = [];

  private constructor(at: TestGateway) {
    this.at = at;
  }

  static async start(over: Parameters<typeof TestGateway.start>[0] = {}): Promise<DtlsTestGateway> {
    return new DtlsTestGateway(await TestGateway.start({ dtlsPort: 0, ...over }));
  }

  get port(): number {
    const { dtlsPort } = this.at.gateway;
    if (dtlsPort === undefined) throw new Error("the gateway has no DTLS");
    return dtlsPort;
  }

  /** A session that is open, or rejects with why it is not. */
  async connect(peer: Pick<TestPeer, "tls">, over: Partial<ConnectOptions> = {}): Promise<DTLSSession> {
    const { cert, key } = peer.tls;
    return this.dial({ cert, key, ...over });
  }

  /** As `connect`, showing whatever the options say. */
  async dial(options: Partial<ConnectOptions>, port: number = this.port): Promise<DTLSSession> {
    const session = connect("127.0.0.1", port, {
      ca: this.at.pki.root.pem,
      handshakeTimeout: 5000,
      ...options,
    });
    this.#sessions.push(session);
    await session.opened;
    return session;
  }

  /** The alert by which the gateway answers who dials like this; fails when there is a session. */
  async refusedBy(dialling: Promise<DTLSSession>): Promise<string> {
    return alertOf(
      await dialling.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
  }

  /** A certificate with its chain and key as a peer shows it. */
  shown(minted: Minted, ...above: readonly Minted[]): { readonly cert: string; readonly key: string } {
    const { cert, key } = this.at.tlsOf(minted, ...above);
    return { cert, key };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await this.at[Symbol.asyncDispose]();
  }
}

/** Sends a text and resolves with what comes back. */
export async function echo(session: DTLSSession, text: string, deadlineMs = 3000): Promise<string> {
  const answer = once(session, "message", { signal: AbortSignal.timeout(deadlineMs) });
  session.send(text);
  const [bytes] = await answer;
  return Buffer.from(bytes).toString();
}

/** The alert that ended a session, or the code where it was none; "close_notify" for an orderly end. */
export async function endOf(session: DTLSSession): Promise<string> {
  const error = await session.closed.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error === undefined ? "close_notify" : alertOf(error);
}

function alertOf(error: unknown): string {
  if (error instanceof DtlsError) return error.peerAlert ?? error.code;
  return error instanceof Error ? error.message : "nothing: there is a session";
}

/**
 * A NAT between devices and the gateway, for one device: `rebind` gives it another outer port, as a NAT does that
 * forgot it.
 */
export class Nat implements AsyncDisposable {
  readonly #inner: Socket;
  #outer: Socket;
  #device: { readonly port: number; readonly address: string } | undefined;

  private constructor(inner: Socket, outer: Socket, gatewayPort: number) {
    this.#inner = inner;
    this.#outer = outer;
    inner.on("message", (datagram, from) => {
      this.#device = from;
      this.#outer.send(datagram, gatewayPort, "127.0.0.1");
    });
    this.#answerBy(outer);
  }

  static async before(gatewayPort: number): Promise<Nat> {
    return new Nat(await bound(), await bound(), gatewayPort);
  }

  get port(): number {
    return this.#inner.address().port;
  }

  async rebind(): Promise<void> {
    const old = this.#outer;
    this.#outer = await bound();
    this.#answerBy(this.#outer);
    old.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#inner.close();
    this.#outer.close();
  }

  #answerBy(outer: Socket): void {
    outer.on("message", (datagram) => {
      if (this.#device !== undefined) this.#inner.send(datagram, this.#device.port, this.#device.address);
    });
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
