import { connect, type Socket } from "node:net";
import type { Address } from "../endpoint.ts";
import type { Recorder } from "../record/recorder.ts";
import { type Changes, type End, otherEnd } from "./ends.ts";
import type { TcpRules } from "./tcp-proxy.ts";
import { type PathRecord, RecordReader } from "./tls-record.ts";

export interface TcpConnectionParts {
  readonly device: Socket;
  readonly gateway: Address;
  readonly recorder: Recorder;
  readonly rules: () => TcpRules;
  readonly changes: Changes;
}

/** Records kept for an attack to look back at; later ones pass all the same. */
const maxKept = 512;

/** One direction of a connection. */
interface Half {
  readonly reader: RecordReader;
  readonly socket: Socket;
  /** How this end closed its side: "FIN", "RST". */
  ended: string | undefined;
  /** Nothing more is sent to this end. */
  finished: boolean;
  /** Ordered work that waits for a delay. */
  later: Promise<void> | undefined;
}

/** One connection of the device, and the one to the gateway that the lab made for it. */
export class TcpConnection {
  /** Of the device's side in the recording; the gateway's side is another flow. */
  readonly number: number;
  /** What came from either end, before any rule. */
  readonly records: PathRecord[] = [];
  readonly #recorder: Recorder;
  readonly #rules: () => TcpRules;
  readonly #changes: Changes;
  readonly #halves: Readonly<Record<End, Half>>;
  #upstreamFlow: number | undefined;

  constructor({ device, gateway, recorder, rules, changes }: TcpConnectionParts) {
    this.#recorder = recorder;
    this.#rules = rules;
    this.#changes = changes;
    const upstream = connect({ host: gateway.host, port: gateway.port, allowHalfOpen: true, noDelay: true });
    this.#halves = { device: half("device", device), gateway: half("gateway", upstream) };
    this.number = recorder.connection({
      protocol: "tcp",
      client: { address: device.remoteAddress ?? "", port: device.remotePort ?? 0 },
      server: { address: device.localAddress ?? "", port: device.localPort ?? 0 },
    });
    // Nothing of the device is read before the gateway is there: the lab may want to speak to it first.
    upstream.once("connect", () => {
      this.#upstreamFlow = recorder.connection({
        protocol: "tcp",
        client: { address: upstream.localAddress ?? "", port: upstream.localPort ?? 0 },
        server: { address: gateway.host, port: gateway.port },
      });
      rules().connection?.(this);
      this.#listen("gateway");
      this.#listen("device");
      changes.tell();
    });
    for (const end of ["device", "gateway"] as const) {
      const { socket } = this.#halves[end];
      socket.on("error", () => this.#onEnd(end, "RST"));
      socket.on("close", () => this.#onEnd(end, "RST"));
    }
  }

  /** Neither end has closed or reset its side. */
  get isOpen(): boolean {
    return this.#halves.device.ended === undefined && this.#halves.gateway.ended === undefined;
  }

  /** How an end closed its side, "FIN" or "RST"; undefined while it has not. */
  ended(end: End): string | undefined {
    return this.#halves[end].ended;
  }

  /** What came from one end. */
  recordsFrom(end: End): PathRecord[] {
    return this.records.filter((record) => record.from === end);
  }

  /** Bytes that neither end said, or said elsewhere: they are the attack. */
  send(to: End, bytes: Uint8Array, what: string, note?: string): void {
    this.#recorder.step({
      connection: this.number,
      from: "lab",
      to,
      what,
      bytes: bytes.length,
      attack: true,
      ...(note !== undefined && { note }),
    });
    this.#write(to, bytes);
  }

  /** Ends the stream to one end as TCP does it, without TLS having a say: FIN. */
  finish(to: End, note = "TCP ends without close_notify"): void {
    this.#recorder.step({ connection: this.number, from: "lab", to, what: "TCP FIN", attack: true, note });
    this.#halves[to].finished = true;
    this.#halves[to].socket.end();
  }

  /** Ends the connection to one end with a reset. */
  reset(to: End, note?: string): void {
    const step = { connection: this.number, from: "lab", to, what: "TCP RST", attack: true } as const;
    this.#recorder.step({ ...step, ...(note !== undefined && { note }) });
    this.#halves[to].finished = true;
    this.#halves[to].socket.resetAndDestroy();
  }

  /** Ends both sides without a word. */
  destroy(): void {
    this.#halves.device.socket.destroy();
    this.#halves.gateway.socket.destroy();
  }

  #listen(from: End): void {
    const { socket, reader } = this.#halves[from];
    socket.on("data", (chunk: Buffer) => {
      this.#record(from, chunk);
      for (const record of reader.push(chunk)) this.#decide(record);
    });
    socket.on("end", () => {
      const rest = reader.rest();
      this.#queue(from, () => {
        if (rest.length > 0) this.#write(otherEnd(from), rest);
      });
      this.#onEnd(from, "FIN");
    });
  }

  #decide(record: PathRecord): void {
    if (this.records.length < maxKept) this.records.push(record);
    const fate = this.#rules().record?.(record, this);
    const { from } = record;
    const to = otherEnd(from);
    const step = { connection: this.number, what: record.what, bytes: record.bytes.length };
    if (fate === undefined) {
      this.#recorder.step({ ...step, from, to });
      this.#queue(from, () => this.#write(to, record.bytes));
    } else {
      this.#recorder.step({ ...step, from, to: "lab" });
      this.#queue(from, () => this.#replace(record, fate.instead, fate.note), fate.delayMs);
    }
    this.#changes.tell();
  }

  #replace(record: PathRecord, instead: readonly Uint8Array[] | undefined, note: string | undefined): void {
    const to = otherEnd(record.from);
    const step = { connection: this.number, from: "lab", to, attack: true } as const;
    if (instead?.length === 0) {
      this.#recorder.step({ ...step, what: record.what, note: note ?? "dropped" });
      return;
    }
    const how = note ?? (instead === undefined ? "late" : "changed");
    for (const bytes of instead ?? [record.bytes]) {
      this.#recorder.step({ ...step, what: record.what, bytes: bytes.length, note: how });
      this.#write(to, bytes);
    }
  }

  /** Does it now, or after all that waits in the same direction. */
  #queue(from: End, act: () => void, delayMs = 0): void {
    const half = this.#halves[from];
    if (half.later === undefined && delayMs === 0) return act();
    const before = half.later ?? Promise.resolve();
    const turn = before.then(
      () =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            act();
            if (half.later === turn) half.later = undefined;
            resolve();
          }, delayMs);
        }),
    );
    half.later = turn;
  }

  #write(to: End, bytes: Uint8Array): void {
    const half = this.#halves[to];
    if (half.finished || half.socket.destroyed) return;
    this.#record(to, bytes, true);
    if (half.socket.write(Uint8Array.from(bytes))) return;
    // What one end says must not pile up here while the other does not read.
    const source = this.#halves[otherEnd(to)].socket;
    source.pause();
    half.socket.once("drain", () => source.resume());
  }

  /** In the capture, each side is a flow of its own: what an end said, and what it was told. */
  #record(end: End, bytes: Uint8Array, told = false): void {
    if (end === "device") this.#recorder.packet(this.number, told ? "server" : "client", bytes);
    else if (this.#upstreamFlow !== undefined)
      this.#recorder.packet(this.#upstreamFlow, told ? "client" : "server", bytes);
  }

  #onEnd(end: End, how: string): void {
    const half = this.#halves[end];
    if (half.ended !== undefined) return;
    half.ended = how;
    const to = otherEnd(end);
    this.#recorder.step({
      connection: this.number,
      from: end,
      to,
      what: how === "FIN" ? "TCP FIN" : "TCP connection lost",
    });
    const passes = this.#rules().end?.(end, this) ?? true;
    if (passes) {
      this.#queue(end, () => {
        const other = this.#halves[to];
        other.finished = true;
        if (how === "FIN") other.socket.end();
        else other.socket.destroy();
      });
    }
    this.#changes.tell();
  }
}

function half(from: End, socket: Socket): Half {
  return {
    reader: new RecordReader(from),
    socket,
    ended: undefined,
    finished: false,
    later: undefined,
  };
}
