import {
  type ConnectOptions,
  connect,
  type DTLSEndpoint,
  type DTLSSession,
  DtlsError,
  type DtlsErrorCode,
  type ListenOptions,
  listen,
  type PemCredential,
} from "../../dtls/index.ts";
import { type Minted, type MintOptions, mintCa, mintDevice, mintRoot, mintServer } from "./chain-builder.ts";

const hourMs = 3_600_000;

/** Around the real time, as endpoints on real sockets have it. */
const today = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + 24 * hourMs) };

const root = mintRoot(today);
const issuing = mintCa(root, today);
/** What both sides trust. */
export const ca = root.pem;

export function pemOf(leaf: Minted): PemCredential {
  return { cert: leaf.pem + issuing.pem, key: leaf.keyPem };
}

/** For localhost, gateway.example and 127.0.0.1. */
export const server = pemOf(mintServer(issuing, ["localhost", "gateway.example", "127.0.0.1"], today));

export function device(id = "pump-1", options: MintOptions = {}): PemCredential {
  return pemOf(mintDevice(issuing, id, { ...today, ...options }));
}

/** An echo server on a free port of 127.0.0.1, and a way to it. */
export interface Echo extends AsyncDisposable {
  readonly endpoint: DTLSEndpoint;
  readonly port: number;
  readonly sessions: DTLSSession[];
  connect(options?: ConnectOptions): DTLSSession;
}

export async function startEcho(options: Partial<ListenOptions> = {}): Promise<Echo> {
  const sessions: DTLSSession[] = [];
  const peers = "ca" in options || "verifyPeer" in options || "psk" in options ? {} : { ca };
  const own =
    "credentials" in options || "cert" in options || "sni" in options || "psk" in options ? {} : server;
  const endpoint = listen(
    (session) => {
      sessions.push(session);
      session.on("message", (data) => session.send(data));
    },
    { port: 0, ...own, ...peers, ...options },
  );
  const { port } = await endpoint.ready;
  return {
    endpoint,
    port,
    sessions,
    // An alert in the clear is believed after three times the first retransmission time.
    connect: (more = {}) => connect("127.0.0.1", port, { ca, retransmission: { initialMs: 50 }, ...more }),
    [Symbol.asyncDispose]: () => endpoint.close(),
  };
}

/** What comes back for `text`, which is sent again when it got lost: so much the loopback interface does lose. */
export async function ask(session: DTLSSession, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  session.once("message", (data) => resolve(Buffer.from(data).toString()));
  session.once("close", (error) => reject(error ?? new Error("closed")));
  session.send(text);
  const again = setInterval(() => session.destroyed || session.send(text), 500);
  try {
    return await promise;
  } finally {
    clearInterval(again);
  }
}

/** The code of the DtlsError that a promise rejects with; undefined when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<DtlsErrorCode | undefined> {
  return (await errorOf(promise))?.code;
}

export async function errorOf(promise: Promise<unknown>): Promise<DtlsError | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof DtlsError) return error;
    throw error;
  }
}
