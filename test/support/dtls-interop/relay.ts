import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Stands between one client and a server, keeps what passes, and can give the client another address. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  readonly fromClient: readonly Uint8Array[];
  readonly fromServer: readonly Uint8Array[];
  /** As a NAT that has forgotten the client: from now on its datagrams come from another port, which is returned. */
  rebind(): Promise<number>;
}

export async function startRelay(serverPort: number): Promise<Relay> {
  const fromClient: Uint8Array[] = [];
  const fromServer: Uint8Array[] = [];
  let clientPort = 0;
  const front = await openSocket();
  const openBack = async () => {
    const socket = await openSocket();
    socket.on("message", (datagram) => {
      fromServer.push(datagram);
      front.send(datagram, clientPort, "127.0.0.1");
    });
    return socket;
  };
  let back = await openBack();
  front.on("message", (datagram, { port }) => {
    clientPort = port;
    fromClient.push(datagram);
    back.send(datagram, serverPort, "127.0.0.1");
  });
  return {
    port: front.address().port,
    fromClient,
    fromServer,
    async rebind() {
      const forgotten = back;
      back = await openBack();
      forgotten.close();
      return back.address().port;
    },
    async [Symbol.asyncDispose]() {
      front.close();
      back.close();
    },
  };
}

/** RFC 6347 §4.2.2: whether a datagram begins with a fragment of a message in the clear, and not with the whole of it. */
export function isPartOfHandshakeMessage(datagram: Uint8Array, msgType?: number): boolean {
  const bytes = Buffer.from(datagram);
  if (bytes.length < 25 || bytes[0] !== 22 || bytes.readUInt16BE(3) !== 0) return false;
  if (msgType !== undefined && bytes[13] !== msgType) return false;
  return bytes.readUIntBE(22, 3) < bytes.readUIntBE(14, 3);
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
