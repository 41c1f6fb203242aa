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

/** What a bad network does. */
export interface Weather {
  /** How often a datagram arrives: 0 is lost, 2 is doubled. They are counted from 0 in each direction. */
  readonly copies?: (from: "client" | "server", index: number) => number;
  /** Collects what comes within this many milliseconds, and delivers the last first. */
  readonly reverseMs?: number;
}

export async function startRelay(serverPort: number, weather: Weather = {}): Promise<Relay> {
  let clientPort = 0;
  const front = await openSocket();
  let back = await openSocket();
  const toServer = new Direction("client", weather, (datagram) => {
    back.send(datagram, serverPort, "127.0.0.1");
  });
  const toClient = new Direction("server", weather, (datagram) => {
    front.send(datagram, clientPort, "127.0.0.1");
  });
  const hear = (socket: Socket) => socket.on("message", (datagram) => toClient.take(datagram));
  hear(back);
  front.on("message", (datagram, { port }) => {
    clientPort = port;
    toServer.take(datagram);
  });
  return {
    port: front.address().port,
    fromClient: toServer.seen,
    fromServer: toClient.seen,
    async rebind() {
      const forgotten = back;
      back = await openSocket();
      hear(back);
      forgotten.close();
      return back.address().port;
    },
    async [Symbol.asyncDispose]() {
      toServer.stop();
      toClient.stop();
      front.close();
      back.close();
    },
  };
}

class Direction {
  readonly seen: Uint8Array[] = [];
  readonly #from: "client" | "server";
  readonly #weather: Weather;
  readonly #send: (datagram: Uint8Array) => void;
  #held: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: "client" | "server", weather: Weather, send: (datagram: Uint8Array) => void) {
    this.#from = from;
    this.#weather = weather;
    this.#send = send;
  }

  take(datagram: Uint8Array): void {
    const { copies, reverseMs } = this.#weather;
    const number = copies === undefined ? 1 : copies(this.#from, this.seen.length);
    this.seen.push(datagram);
    const arriving = Array.from({ length: number }, () => datagram);
    if (reverseMs === undefined) {
      for (const one of arriving) this.#send(one);
      return;
    }
    this.#held.push(...arriving);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const held = this.#held.toReversed();
      this.#held = [];
      for (const one of held) this.#send(one);
    }, reverseMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** RFC 6347 §4.2.2: whether a datagram begins with a fragment of a message in the clear, and not with the whole of it. */
export function isPartOfHandshakeMessage(datagram: Uint8Array): boolean {
  const bytes = Buffer.from(datagram);
  if (bytes.length < 25 || bytes[0] !== 22 || bytes.readUInt16BE(3) !== 0) return false;
  return bytes.readUIntBE(22, 3) < bytes.readUIntBE(14, 3);
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
