import type { Socket } from "node:dgram";
import { once } from "node:events";
import type { Address } from "../endpoint.ts";
import type { Prng } from "../prng.ts";
import type { Recorder } from "../record/recorder.ts";
import { type DtlsRecord, describe, handshakeIn, type PathDatagram, recordsIn } from "./datagram-record.ts";
import { type Changes, type End, otherEnd } from "./ends.ts";
import { Extension, extensionOf, readClientHello, readServerHello } from "./hello.ts";
import type { UdpRules } from "./udp-relay.ts";
import type { UdpSource } from "./udp-source.ts";
import { suffer } from "./weather.ts";

export interface UdpFlowParts {
  readonly device: Address;
  readonly front: Socket;
  readonly frontAddress: Address;
  readonly gateway: Address;
  readonly recorder: Recorder;
  readonly prng: Prng;
  readonly rules: () => UdpRules;
  readonly changes: Changes;
  readonly newSocket: () => Socket;
}

/** Datagrams kept for an attack to look back at; later ones pass all the same. */
const maxKept = 1024;

/** Everything between one address of the device and the gateway. */
export class UdpFlow {
  /** Of the device's side in the recording; the gateway's side is another flow. */
  readonly number: number;
  /** What came from either end, before any rule. */
  readonly datagrams: PathDatagram[] = [];
  readonly #parts: UdpFlowParts;
  readonly #sent: Record<End, number> = { device: 0, gateway: 0 };
  /** How long the connection ids are that each end gave out, for records that go to it. */
  readonly #cidLength: Record<End, number> = { device: 0, gateway: 0 };
  #offered: number | undefined;
  #back: Socket;
  #isBound = false;
  /** What came before there was a socket to pass it on. */
  readonly #early: Uint8Array[] = [];
  #upstreamFlow: number | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(parts: UdpFlowParts) {
    this.#parts = parts;
    this.#back = parts.newSocket();
    this.#hear(this.#back);
    this.#back.once("listening", () => {
      this.#isBound = true;
      for (const datagram of this.#early.splice(0)) this.take("device", datagram);
    });
    this.#back.bind(0);
    this.number = parts.recorder.connection({
      protocol: "udp",
      client: { address: parts.device.host, port: parts.device.port },
      server: { address: parts.frontAddress.host, port: parts.frontAddress.port },
    });
  }

  /** How long the connection ids are that this end gave out; 0: none. */
  cidLength(of: End): number {
    return this.#cidLength[of];
  }

  /** The device and the gateway agreed on connection ids for records to the gateway. */
  get usesConnectionIds(): boolean {
    return this.#cidLength.gateway > 0;
  }

  from(end: End): PathDatagram[] {
    return this.datagrams.filter((datagram) => datagram.from === end);
  }

  /** The records of a datagram from this end. */
  recordsOf(datagram: Uint8Array, from: End): DtlsRecord[] {
    return recordsIn(datagram, this.#cidLength[otherEnd(from)]);
  }

  /** To one end, as if from the other: what the lab made, kept or copied. */
  send(to: End, datagram: Uint8Array, what: string, note?: string): void {
    this.#parts.recorder.step({
      connection: this.number,
      from: "lab",
      to,
      what,
      bytes: datagram.length,
      attack: true,
      ...(note !== undefined && { note }),
    });
    this.#deliver(to, datagram);
  }

  /** As a NAT that forgot the device: from now on the gateway sees it at another port. */
  async rebind(): Promise<void> {
    const forgotten = this.#back;
    const socket = this.#parts.newSocket();
    socket.bind(0);
    await once(socket, "listening");
    this.#back = socket;
    this.#upstreamFlow = undefined;
    this.#hear(socket);
    forgotten.close();
    this.#parts.recorder.step({
      connection: this.number,
      from: "lab",
      to: "gateway",
      what: "the device's datagrams come from another port",
      attack: true,
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#back.close();
  }

  /** A datagram came from this end. */
  take(from: End, bytes: Uint8Array): void {
    if (this.#closed) return;
    if (!this.#isBound) {
      if (this.#early.length < maxKept) this.#early.push(bytes);
      return;
    }
    this.#packet(from, bytes, false);
    const records = this.recordsOf(bytes, from);
    this.#learn(from, records);
    const datagram: PathDatagram = {
      from,
      index: this.#sent[from],
      atMs: performance.now(),
      bytes,
      records,
      what: describe(records),
    };
    this.#sent[from] += 1;
    if (this.datagrams.length < maxKept) this.datagrams.push(datagram);
    this.#decide(datagram);
    this.#parts.changes.tell();
  }

  #decide(datagram: PathDatagram): void {
    const { recorder, rules, prng } = this.#parts;
    const { from, bytes, what } = datagram;
    const to = otherEnd(from);
    const step = { connection: this.number, what, bytes: bytes.length };
    const current = rules();
    const fate = current.datagram?.(datagram, this);
    const weather = current.weather?.[from];
    if (fate === undefined && weather === undefined) {
      recorder.step({ ...step, from, to });
      return this.#deliver(to, bytes);
    }
    recorder.step({ ...step, from, to: "lab" });
    if (fate === undefined) {
      const arriving = suffer(bytes, weather ?? {}, prng);
      if (arriving.length === 0) this.#note(datagram, "lost");
      for (const { bytes: suffered, delayMs } of arriving) {
        const note = suffered === bytes ? (arriving.length > 1 ? "twice" : undefined) : "one bit flipped";
        this.#after(delayMs, () => this.#pass(datagram, suffered, note, undefined));
      }
      return;
    }
    if (fate.instead?.length === 0) return this.#note(datagram, fate.note ?? "dropped");
    const note = fate.note ?? (fate.instead === undefined ? "late" : "changed");
    for (const one of fate.instead ?? [bytes]) {
      this.#after(fate.delayMs ?? 0, () => this.#pass(datagram, one, note, fate.via));
    }
  }

  #pass({ from, what }: PathDatagram, bytes: Uint8Array, note: string | undefined, via?: UdpSource): void {
    const to = otherEnd(from);
    if (via !== undefined) return via.send(bytes, what, note ?? "from another address");
    if (note !== undefined) return this.send(to, bytes, what, note);
    const step = { connection: this.number, what, bytes: bytes.length };
    this.#parts.recorder.step({ ...step, from: "lab", to });
    this.#deliver(to, bytes);
  }

  #note({ from, what, bytes }: PathDatagram, note: string): void {
    this.#parts.recorder.step({
      connection: this.number,
      from: "lab",
      to: otherEnd(from),
      what,
      bytes: bytes.length,
      attack: true,
      note,
    });
  }

  #after(delayMs: number, act: () => void): void {
    if (delayMs === 0) return act();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delayMs);
    this.#timers.add(timer);
  }

  #deliver(to: End, bytes: Uint8Array): void {
    if (this.#closed) return;
    const { front, device, gateway } = this.#parts;
    const copy = Uint8Array.from(bytes);
    if (to === "device") {
      front.send(copy, device.port, device.host);
    } else {
      this.#back.send(copy, gateway.port, gateway.host);
    }
    this.#packet(to, bytes, true);
  }

  #hear(socket: Socket): void {
    socket.on("message", (datagram) => this.take("gateway", datagram));
    // ICMP from a gateway that is gone: the device notices by silence.
    socket.on("error", () => undefined);
  }

  /** RFC 9146 §3: each hello carries the id that its sender wants to see in records to it. */
  #learn(from: End, records: readonly DtlsRecord[]): void {
    for (const { msgType, fragmentOffset, body, length } of handshakeIn(records)) {
      if (fragmentOffset !== 0 || body.length !== length) continue;
      if (from === "device" && msgType === 1) {
        const hello = readClientHello(body, true);
        this.#offered = hello && extensionOf(hello, Extension.connectionId)?.[0];
      } else if (from === "gateway" && msgType === 2) {
        const hello = readServerHello(body);
        const agreed = hello && extensionOf(hello, Extension.connectionId)?.[0];
        this.#cidLength.gateway = agreed ?? 0;
        this.#cidLength.device = agreed === undefined ? 0 : (this.#offered ?? 0);
      }
    }
  }

  /** In the capture, each side is a flow of its own: what an end said, and what it was told. */
  #packet(end: End, bytes: Uint8Array, told: boolean): void {
    const { recorder, gateway } = this.#parts;
    if (end === "device") {
      recorder.packet(this.number, told ? "server" : "client", bytes);
      return;
    }
    this.#upstreamFlow ??= recorder.connection({
      protocol: "udp",
      client: this.#back.address(),
      server: { address: gateway.host, port: gateway.port },
    });
    recorder.packet(this.#upstreamFlow, told ? "client" : "server", bytes);
  }
}
