import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { LabAtPair } from "../../../mitm/lab/at-pair.ts";
import { TlsContentType, tlsRecord } from "../../../mitm/path/tls-record.ts";
import type { PairTarget } from "../../../mitm/targets.ts";
import { until } from "../until.ts";
import { pairLab } from "./pair-lab.ts";

/** One TLS record that says this. */
export function record(text: string): Buffer {
  return Buffer.from(tlsRecord(TlsContentType.applicationData, Buffer.from(text)));
}

/** Two ends of bare TCP, and the path between them. */
export class TcpEnds implements AsyncDisposable {
  readonly chunks: Buffer[] = [];
  readonly lab: LabAtPair;
  readonly path: Awaited<ReturnType<LabAtPair["tcpPath"]>>;
  readonly device: Socket;
  readonly gateway: Socket;
  readonly #server: Server;

  private constructor(
    server: Server,
    lab: LabAtPair,
    path: TcpEnds["path"],
    ends: { readonly device: Socket; readonly gateway: Socket },
  ) {
    this.#server = server;
    this.lab = lab;
    this.path = path;
    this.device = ends.device;
    this.gateway = ends.gateway;
    this.gateway.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    this.gateway.on("error", () => undefined);
    this.device.on("error", () => undefined);
  }

  static async meet(own: PairTarget): Promise<TcpEnds> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const lab = pairLab({ ...own, gateway: { tls: { host: "127.0.0.1", port } } }, "tls");
    const path = await lab.tcpPath();
    const came = once(server, "connection");
    const device = connect({ port: path.address.port, host: "127.0.0.1", allowHalfOpen: true });
    const [gateway]: Socket[] = await came;
    if (gateway === undefined) throw new Error("nobody came");
    return new TcpEnds(server, lab, path, { device, gateway });
  }

  async gatewayGets(count: number): Promise<string[]> {
    const texts = () => {
      const all = Buffer.concat(this.chunks);
      const found: string[] = [];
      for (let at = 0; at + 5 <= all.length; at += 5 + all.readUInt16BE(at + 3)) {
        found.push(all.subarray(at + 5, at + 5 + all.readUInt16BE(at + 3)).toString());
      }
      return found;
    };
    await until(`${count} records`, () => texts().length >= count);
    return texts();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.device.destroy();
    this.gateway.destroy();
    await this.lab[Symbol.asyncDispose]();
    this.#server.close();
  }
}

/** Two ends of bare UDP, and the path between them. */
export class UdpEnds implements AsyncDisposable {
  readonly heard: string[] = [];
  /** Ports that what was heard came from. */
  readonly peers: number[] = [];
  readonly lab: LabAtPair;
  readonly path: Awaited<ReturnType<LabAtPair["udpPath"]>>;
  readonly device: UdpSocket;
  readonly gateway: UdpSocket;

  private constructor(lab: LabAtPair, path: UdpEnds["path"], device: UdpSocket, gateway: UdpSocket) {
    this.lab = lab;
    this.path = path;
    this.device = device;
    this.gateway = gateway;
    gateway.on("message", (datagram, { port }) => {
      this.heard.push(datagram.toString());
      this.peers.push(port);
    });
  }

  static async meet(own: PairTarget): Promise<UdpEnds> {
    const [device, gateway] = [await boundSocket(), await boundSocket()];
    const { port } = gateway.address();
    const lab = pairLab({ ...own, gateway: { dtls: { host: "127.0.0.1", port } } }, "dtls");
    return new UdpEnds(lab, await lab.udpPath(), device, gateway);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    this.device.close();
    this.gateway.close();
  }
}

export async function boundSocket(): Promise<UdpSocket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** A port of this machine that nobody listens on. */
export async function closedPort(): Promise<number> {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const address = socket.address();
  const closed = once(socket, "close");
  socket.close();
  await closed;
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
