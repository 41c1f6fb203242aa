import type { Server, Socket } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { KeySigner } from "../../pki/index.ts";
import type { Minted } from "./minted-pki.ts";

export interface ServerIdentity {
  readonly signer: KeySigner;
  /** As it is sent, leaf first. */
  readonly chain: readonly Minted[];
}

/**
 * A TLS server that finishes every handshake it can and writes down what it gets: what a man in the middle would
 * have. It asks for a client certificate and takes any.
 */
export interface RogueServer extends AsyncDisposable {
  readonly port: number;
  /** TCP connections that reached it. */
  readonly connections: number;
  /** Bytes on the wire that it was sent, the handshake's included. */
  readonly wireBytes: number;
  /** Handshakes that it finished. */
  readonly handshakes: number;
  /** Decrypted application bytes that it was sent. */
  readonly leakedBytes: number;
  /** Resolves when every connection so far is closed. */
  idle(): Promise<void>;
}

export async function startRogueServer(
  identity: ServerIdentity,
  over: TlsOptions = {},
  onSocket: (socket: TLSSocket) => void = () => {},
  port = 0,
): Promise<RogueServer> {
  const seen = { connections: 0, wireBytes: 0, handshakes: 0, leakedBytes: 0 };
  const open = new Set<Socket>();
  const server = createServer(
    {
      key: identity.signer.exportForTls(),
      cert: identity.chain.map((each) => each.pem).join(""),
      requestCert: true,
      rejectUnauthorized: false,
      ...over,
    },
    (socket) => {
      seen.handshakes += 1;
      socket.on("data", (bytes: Buffer) => (seen.leakedBytes += bytes.length));
      socket.on("error", () => {});
      onSocket(socket);
    },
  );
  server.on("connection", (socket: Socket) => {
    seen.connections += 1;
    open.add(socket);
    socket.on("close", () => {
      open.delete(socket);
      seen.wireBytes += socket.bytesRead;
    });
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: portOf(server),
    get connections() {
      return seen.connections;
    },
    get wireBytes() {
      return seen.wireBytes;
    },
    get handshakes() {
      return seen.handshakes;
    },
    get leakedBytes() {
      return seen.leakedBytes;
    },
    idle: () => Promise.all([...open].map(closed)).then(() => undefined),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The port a listening TCP server got. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen on TCP");
  return address.port;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
}
