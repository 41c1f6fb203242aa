import type { Socket } from "node:dgram";
import type { Address } from "../endpoint.ts";
import type { Recorder } from "../record/recorder.ts";
import { describe, recordsIn } from "./datagram-record.ts";
import type { Changes } from "./ends.ts";

export interface UdpSourceParts {
  readonly socket: Socket;
  readonly gateway: Address;
  readonly recorder: Recorder;
  readonly changes: Changes;
}

/** What is kept of what came to an address of the lab. */
const maxKept = 1024;

/** An address of the lab that is neither the device's nor the gateway's. */
export class UdpSource {
  /** Its flow in the recording. */
  readonly number: number;
  /** What came to it. */
  readonly received: Uint8Array[] = [];
  /** Bytes of datagrams from it, and to it. */
  sentBytes = 0;
  receivedBytes = 0;
  readonly #socket: Socket;
  readonly #gateway: Address;
  readonly #recorder: Recorder;

  constructor({ socket, gateway, recorder, changes }: UdpSourceParts) {
    this.#socket = socket;
    this.#gateway = gateway;
    this.#recorder = recorder;
    const { address, port } = socket.address();
    this.number = recorder.connection({
      protocol: "udp",
      client: { address, port },
      server: { address: gateway.host, port: gateway.port },
    });
    socket.on("error", () => undefined);
    socket.on("message", (datagram) => {
      this.receivedBytes += datagram.length;
      if (this.received.length < maxKept) this.received.push(datagram);
      recorder.packet(this.number, "server", datagram);
      recorder.step({
        connection: this.number,
        from: "gateway",
        to: "lab",
        what: describe(recordsIn(datagram, 0)),
        bytes: datagram.length,
      });
      changes.tell();
    });
  }

  get address(): Address {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** To the gateway. `what` names it in the transcript, `note` says what is odd about it. */
  send(datagram: Uint8Array, what: string, note: string): void {
    this.sentBytes += datagram.length;
    const { host, port } = this.#gateway;
    this.#recorder.packet(this.number, "client", datagram);
    this.#recorder.step({
      connection: this.number,
      from: "lab",
      to: "gateway",
      what,
      bytes: datagram.length,
      attack: true,
      note,
    });
    this.#socket.send(Uint8Array.from(datagram), port, host);
  }

  /** To any address, such as the device's. */
  sendTo(to: Address, datagram: Uint8Array): void {
    this.sentBytes += datagram.length;
    this.#socket.send(Uint8Array.from(datagram), to.port, to.host);
  }

  close(): void {
    this.#socket.close();
  }
}
