/** Who said something. `lab` is the attacker, wherever it stands. */
export type Actor = "lab" | "device" | "gateway";

/** One line of a transcript, and one arrow of the picture in the report. */
export interface Step {
  /** Milliseconds since the case began. */
  readonly atMs: number;
  /** Number of the connection (or UDP 5-tuple) within the case, from 1. */
  readonly connection: number;
  readonly from: Actor;
  readonly to: Actor;
  /** "ClientHello", "Alert bad_certificate", "application data (MQTT CONNECT)", "closed". */
  readonly what: string;
  readonly bytes?: number;
  /** This is the attack itself, or what it changed. */
  readonly attack?: boolean;
  /** What is odd about it: "signature of another key". */
  readonly note?: string;
}

export interface Flow {
  readonly protocol: "tcp" | "udp";
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
}

/** Bytes that went over a socket of the lab, for the capture. */
export interface Packet {
  /** Milliseconds since 1970, with fractions. */
  readonly time: number;
  readonly connection: number;
  readonly from: "client" | "server";
  readonly bytes: Uint8Array;
}

/** Everything that happened in one case: the source of its transcript, capture, key log and delivery receipt. */
export interface Recording {
  /** When the case began, milliseconds since 1970: where `atMs` of the steps counts from, on the clock of the packets. */
  readonly began?: number;
  readonly steps: readonly Step[];
  readonly flows: ReadonlyMap<number, Flow>;
  readonly packets: readonly Packet[];
  /** Lines of an SSLKEYLOGFILE. */
  readonly keyLog: readonly string[];
  /** DER, under the name of a file. */
  readonly certificates: ReadonlyMap<string, Uint8Array>;
  /** What was not kept because it would have been too much. */
  readonly dropped: { readonly steps: number; readonly packets: number; readonly certificates?: number };
}

/** A target that floods must not fill the lab's memory, and its recordings are kept until the end of the run. */
const recordingLimits = {
  steps: 400,
  flows: 1024,
  packets: 4096,
  packetBytes: 2 ** 20,
  keyLogLines: 64,
  certificates: 64,
  certificateBytes: 2 ** 18,
  /** Of a text that a target may have a hand in, characters. */
  text: 2000,
} as const;

export class Recorder implements Recording {
  readonly began: number;
  readonly steps: Step[] = [];
  readonly flows = new Map<number, Flow>();
  readonly packets: Packet[] = [];
  readonly keyLog: string[] = [];
  readonly certificates = new Map<string, Uint8Array>();
  readonly dropped = { steps: 0, packets: 0, certificates: 0 };
  /** Application bytes that the target said to somebody whom it had to refuse. */
  leakedBytes = 0;
  /** Something of the attack was sent, whether it arrived or not. */
  attacked = false;
  readonly #began = performance.now();
  readonly #now: () => number;
  #connections = 0;
  readonly #mostPacketBytes: number;
  #packetBytes = 0;
  #certificateBytes = 0;
  #receipt: string | undefined;
  /** The control runs of a case are recorded too, but an honest answer there is no receipt for the attack. */
  #attackConnections = new Set<number>();
  #closed = new Set<number>();

  /** @param packetBytes how many octets of packets are kept, where that shall be less than usual */
  constructor(
    now: () => number = () => performance.timeOrigin + performance.now(),
    packetBytes: number = recordingLimits.packetBytes,
  ) {
    this.#now = now;
    this.#mostPacketBytes = Math.min(packetBytes, recordingLimits.packetBytes);
    this.began = now();
  }

  /** Octets of the packets that are kept. */
  get packetBytes(): number {
    return this.#packetBytes;
  }

  /** A new connection, or 5-tuple; its number goes with everything said on it. */
  connection(flow: Flow): number {
    this.#connections += 1;
    if (this.flows.size < recordingLimits.flows) this.flows.set(this.#connections, flow);
    return this.#connections;
  }

  step(step: Omit<Step, "atMs">): void {
    if (step.attack === true) {
      this.attacked = true;
      // To one that has closed, nothing is delivered.
      if (!this.#closed.has(step.connection)) this.#attackConnections.add(step.connection);
    }
    const isEnd = step.to === "lab" && /^(closed|reset)/.test(step.what);
    if (isEnd) this.#closed.add(step.connection);
    if (this.steps.length >= recordingLimits.steps) {
      this.dropped.steps += 1;
      return;
    }
    this.steps.push({
      atMs: performance.now() - this.#began,
      ...step,
      what: cut(step.what),
      ...(step.note !== undefined && { note: cut(step.note) }),
    });
  }

  /** Says what the application data that came last on a connection was, once it was read: "MQTT CONNACK 0". */
  explain(connection: number, from: Actor, note: string): void {
    const at = this.steps.findLastIndex((step) => step.connection === connection && step.from === from);
    const step = this.steps[at];
    if (this.dropped.steps > 0 || step?.what !== "application data") return;
    this.steps[at] = { ...step, note: cut(step.note === undefined ? note : `${step.note}, ${note}`) };
  }

  packet(connection: number, from: "client" | "server", bytes: Uint8Array): void {
    const isTooMuch = this.#packetBytes + bytes.length > this.#mostPacketBytes;
    if (isTooMuch || this.packets.length >= recordingLimits.packets) {
      this.dropped.packets += 1;
      return;
    }
    this.#packetBytes += bytes.length;
    this.packets.push({ time: this.#now(), connection, from, bytes: Uint8Array.from(bytes) });
  }

  secret(line: string): void {
    if (this.keyLog.length < recordingLimits.keyLogLines) this.keyLog.push(line);
  }

  certificate(name: string, der: Uint8Array): void {
    const bytes = this.#certificateBytes + der.length;
    if (this.certificates.size >= recordingLimits.certificates || bytes > recordingLimits.certificateBytes) {
      this.dropped.certificates += 1;
      return;
    }
    this.#certificateBytes = bytes;
    // A copy: it may be a part of something much larger.
    this.certificates.set(name, Uint8Array.from(der));
  }

  leaked(bytes: number): void {
    this.leakedBytes += bytes;
  }

  /** Says how it is known that the attack arrived, where the connection cannot show it: a relay's count, an event. */
  receipt(how: string): void {
    this.#receipt ??= how;
  }

  /**
   * How it is known that the attack reached the target: something of the attack was sent on a connection on which the
   * target spoke too. Undefined: it is not known.
   */
  get delivered(): string | undefined {
    if (this.#receipt !== undefined) return this.#receipt;
    for (const connection of this.#attackConnections) {
      const answer = this.steps.find((step) => step.connection === connection && step.from !== "lab");
      if (answer !== undefined) return `sent on a connection on which the target said ${answer.what}`;
    }
    return undefined;
  }
}

function cut(text: string): string {
  return text.length <= recordingLimits.text ? text : `${text.slice(0, recordingLimits.text)}…`;
}
