import { duplexPair } from "node:stream";
import type { HandshakeResult, OutgoingHook, Replacement } from "../../../mitm/endpoint.ts";
import { TlsClient, type TlsClientOptions } from "../../../mitm/tls/client.ts";
import { TlsServer, type TlsServerOptions } from "../../../mitm/tls/server.ts";

/** A client and a server of the lab, face to face without a socket. */
export interface Duel {
  readonly client: TlsClient;
  readonly server: TlsServer;
  readonly ofClient: HandshakeResult;
  readonly ofServer: HandshakeResult;
}

export function faceToFace(client: TlsClientOptions, server: TlsServerOptions) {
  const [left, right] = duplexPair();
  return { client: TlsClient.over(left, client), server: TlsServer.accept(right, server) };
}

/** Both handshakes; whoever fails leaves, as its caller would. */
export async function duel(clientOptions: TlsClientOptions, serverOptions: TlsServerOptions): Promise<Duel> {
  const { client, server } = faceToFace(clientOptions, serverOptions);
  const leaving = async (end: TlsClient | TlsServer) => {
    const result = await end.handshake();
    if (!result.completed) end.halfClose();
    return result;
  };
  const [ofClient, ofServer] = await Promise.all([leaving(client), leaving(server)]);
  return { client, server, ofClient, ofServer };
}

export type Instead = (body: Uint8Array) => readonly Replacement[];

/** A hook that sends something else in place of the named messages. */
export function instead(of: Readonly<Record<string, Instead>>): OutgoingHook {
  return ({ name, body }) => of[name]?.(body);
}

export const leftOut: Instead = () => [];

/** The message again with its body changed. */
export function altered(msgType: number, change: (body: Uint8Array) => Uint8Array): Instead {
  return (body) => [{ kind: "handshake", msgType, body: change(body) }];
}

export function doubled(msgType: number): Instead {
  return (body) => [
    { kind: "handshake", msgType, body },
    { kind: "handshake", msgType, body },
  ];
}

export function flipped(body: Uint8Array, at = body.length - 1): Uint8Array {
  const copy = Uint8Array.from(body);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
