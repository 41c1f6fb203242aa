import { createSocket, type Socket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";
import type { UdpShare } from "../endpoint.ts";

/** RFC 9146 §6, after RFC 9000 §8.1: how much may go to an address that proved nothing, for each byte from it. */
const factor = 3;

/**
 * A UDP socket that sends to an address which a peer moved to, without a handshake from there, no more than three times
 * what came from it; without bounds for a twin that does not care.
 */
export async function boundedShare(isBounded: boolean): Promise<UdpShare> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return isBounded ? new BoundedShare(socket) : socket;
}

class BoundedShare extends EventEmitter implements UdpShare {
  readonly #socket: Socket;
  readonly #proved = new Set<string>();
  readonly #allowance = new Map<string, number>();

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("message", (datagram, from) => {
      const key = `${from.address} ${from.port}`;
      if (beginsHandshake(datagram)) this.#proved.add(key);
      this.#allowance.set(key, (this.#allowance.get(key) ?? 0) + factor * datagram.length);
      this.emit("message", datagram, from);
    });
    socket.on("error", (error) => this.emit("error", error));
    socket.on("close", () => this.emit("close"));
  }

  send(datagram: Uint8Array, port: number, host: string): void {
    const key = `${host} ${port}`;
    if (!this.#proved.has(key)) {
      const left = (this.#allowance.get(key) ?? 0) - datagram.length;
      if (left < 0) return;
      this.#allowance.set(key, left);
    }
    this.#socket.send(datagram, port, host);
  }

  address(): AddressInfo {
    return this.#socket.address();
  }

  close(): void {
    this.#socket.close();
  }
}

/** RFC 6347 §4.1, §4.3.2: a handshake record of epoch 0 whose first message is a ClientHello. */
function beginsHandshake(datagram: Uint8Array): boolean {
  return datagram[0] === 22 && datagram[3] === 0 && datagram[4] === 0 && datagram[13] === 1;
}
