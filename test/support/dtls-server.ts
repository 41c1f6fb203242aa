import { type DTLSEndpoint, type DTLSSession, type ListenOptions, listen } from "../../dtls/index.ts";
import type { ServerIdentity } from "./rogue-server.ts";

/** A DTLS server that echoes, and writes down what it gets: honest, or an attacker's. */
export interface DtlsServer extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: DTLSEndpoint;
  /** Handshakes that it finished, full and resumed. */
  readonly handshakes: readonly { readonly resumed: boolean }[];
  /** Every message that arrived, in order. */
  readonly arrived: readonly string[];
  readonly sessions: ReadonlySet<DTLSSession>;
  /** Ends every session with close_notify. */
  closeAll(): Promise<void>;
  /** Is gone without a word, as a process that was killed. */
  crash(): Promise<void>;
  /** Listens again, on the same port; it knows nobody. */
  restart(): Promise<void>;
  /** Hears and says nothing from now on, while its port stays open. */
  mute(muted: boolean): void;
}

/** What a server shows. */
export function showing(identity: ServerIdentity): Pick<ListenOptions, "cert" | "key"> {
  return {
    cert: identity.chain.map((each) => each.pem).join(""),
    key: identity.signer.exportForTls(),
  };
}

/** By default it takes any client certificate. */
export async function startDtlsServer(options: Partial<ListenOptions>): Promise<DtlsServer> {
  const handshakes: { resumed: boolean }[] = [];
  const arrived: string[] = [];
  const sessions = new Set<DTLSSession>();
  let isMuted = false;
  let port = options.port ?? 0;
  let endpoint: DTLSEndpoint;
  const open = async () => {
    endpoint = listen(
      (session) => {
        handshakes.push({ resumed: session.reused });
        sessions.add(session);
        session.on("close", () => sessions.delete(session));
        session.on("message", (data) => {
          arrived.push(Buffer.from(data).toString());
          if (!isMuted) session.send(data);
        });
      },
      {
        ...(options.psk === undefined ? { dangerouslyAcceptAnyPeer: true } : {}),
        ...options,
        port,
      },
    );
    ({ port } = await endpoint.ready);
  };
  await open();
  return {
    get port() {
      return port;
    },
    get endpoint() {
      return endpoint;
    },
    handshakes,
    arrived,
    sessions,
    async closeAll() {
      await Promise.all([...sessions].map((session) => session.close()));
    },
    async crash() {
      endpoint.destroy();
      await endpoint.closed;
    },
    restart: open,
    mute(muted) {
      isMuted = muted;
    },
    async [Symbol.asyncDispose]() {
      await endpoint.close();
    },
  };
}
