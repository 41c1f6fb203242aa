import { once } from "node:events";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import { Aedes } from "aedes";
import { portOf, type ServerIdentity } from "./rogue-server.ts";

/** A plain Aedes behind mutual TLS: an honest peer for the device client that is none of our own code. */
export interface TlsBroker extends AsyncDisposable {
  readonly port: number;
  readonly aedes: Aedes;
  readonly sockets: Set<TLSSocket>;
  /** SHA-256 fingerprints of the client certificates that were shown, in order. */
  readonly shown: string[];
  /** Topic and payload of each PUBLISH that arrived from a client, in order. */
  readonly arrived: string[];
  /** Filters of each SUBSCRIBE that was granted, in order. */
  readonly subscribed: string[];
  /** Cuts every connection, without a word. */
  cut(): void;
  /** Stops listening and cuts; the broker keeps its sessions. */
  pause(): Promise<void>;
  /** Listens again, on the same port. */
  resume(): Promise<void>;
}

export async function startTlsBroker(
  identity: ServerIdentity,
  clientCa: string,
  over: TlsOptions = {},
): Promise<TlsBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<TLSSocket>();
  const shown: string[] = [];
  const arrived: string[] = [];
  const subscribed: string[] = [];
  aedes.on("subscribe", (granted) => subscribed.push(...granted.map(({ topic }) => topic)));
  aedes.on("publish", (packet, client) => {
    if (client) arrived.push(`${packet.topic} ${packet.payload.toString()}`);
  });
  const server = createServer(
    {
      key: identity.signer.exportForTls(),
      cert: identity.chain.map((each) => each.pem).join(""),
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: true,
      ...over,
    },
    (socket) => {
      const certificate = socket.getPeerX509Certificate();
      shown.push((certificate?.fingerprint256 ?? "").replaceAll(":", "").toLowerCase());
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => {});
      aedes.handle(socket);
    },
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const pause = async () => {
    const stopped = once(server, "close");
    server.close();
    cut();
    await stopped;
  };
  return {
    port,
    aedes,
    sockets,
    shown,
    arrived,
    subscribed,
    cut,
    pause,
    async resume() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await pause();
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}
