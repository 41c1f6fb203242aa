import { AlertDescription, AlertLevel, ContentType } from "../../dtls/wire/registry.ts";
import { Assembly, type Message } from "./assembly.ts";
import { alertName, messageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import { describe } from "./outgoing.ts";
import type { DatagramPort } from "./port.ts";
import type { Reading, ReadRecord, RecordLayer } from "./records.ts";
import type { Tolerance } from "./tolerance.ts";

/** What came, one thing after the other. */
export type Incoming =
  | { readonly kind: "message"; readonly message: Message; readonly recordSequence: number }
  | { readonly kind: "changeCipherSpec" }
  | { readonly kind: "alert"; readonly alert: string; readonly fatal: boolean; readonly epoch: number }
  | { readonly kind: "data"; readonly data: Uint8Array; readonly epoch: number }
  /** Messages of a flight that was had already: the peer waits for an answer that it did not get. */
  | { readonly kind: "repeat" }
  /** A record that is to be thrown away. */
  | { readonly kind: "invalid"; readonly why: string };

/** Takes datagrams apart, into what the state of the moment makes of them. */
export class IncomingQueue {
  readonly assembly: Assembly;
  readonly #port: DatagramPort;
  readonly #records: RecordLayer;
  readonly #options: DtlsOptions;
  readonly #tolerance: Tolerance;
  readonly #queue: Incoming[] = [];
  #reading: Iterator<Reading> | undefined;
  #from: DatagramPort["peer"];
  /** Messages that need no order, since they stand outside of the handshake: by their type. */
  unnumbered: ReadonlySet<number> = new Set();

  constructor(port: DatagramPort, records: RecordLayer, options: DtlsOptions, tolerance: Tolerance) {
    this.#port = port;
    this.#records = records;
    this.#options = options;
    this.#tolerance = tolerance;
    this.#from = port.peer;
    this.assembly = new Assembly(tolerance);
  }

  /** What comes next, by the time `until` of performance.now(); undefined: nothing did, or nothing will. */
  async next(
    until: number,
    resend?: { readonly at: number; readonly again: () => number },
  ): Promise<Incoming | undefined> {
    let resendAt = resend?.at ?? Number.POSITIVE_INFINITY;
    for (;;) {
      const ready = this.#queue.shift();
      if (ready !== undefined) return ready;
      const reading = this.#reading?.next();
      if (reading !== undefined && reading.done !== true) {
        this.#understand(reading.value);
        continue;
      }
      this.#reading = undefined;
      const now = performance.now();
      const datagram = await this.#port.next(Math.min(until, resendAt) - now);
      if (datagram !== undefined) {
        this.#from = datagram.from;
        this.#moveWithoutProof(datagram.bytes);
        this.#reading = this.#records.read(datagram.bytes);
        continue;
      }
      if (this.#port.closed !== undefined || performance.now() >= until) return undefined;
      if (performance.now() >= resendAt) resendAt = resend?.again() ?? Number.POSITIVE_INFINITY;
    }
  }

  #moveWithoutProof(bytes: Uint8Array): void {
    const bearsId = bytes[0] === ContentType.tls12_cid && this.#records.connectionIdLength > 0;
    if (bearsId && this.#tolerance.lacks("cid-moves-without-proof")) this.#port.peer = this.#from;
  }

  #understand(reading: Reading): void {
    if (reading.kind === "discarded") {
      this.#queue.push({ kind: "invalid", why: reading.why });
      return;
    }
    const { record } = reading;
    if (record.provesAddress && !this.#tolerance.lacks("moved-device-lost")) this.#port.peer = this.#from;
    switch (record.type) {
      case ContentType.handshake:
        this.#handshake(record);
        return;
      case ContentType.change_cipher_spec:
        this.#step(record);
        this.#queue.push({ kind: "changeCipherSpec" });
        return;
      case ContentType.alert: {
        const [level, description] = record.plaintext;
        this.#step(record);
        const fatal = level === AlertLevel.fatal;
        const alert = alertName(description ?? AlertDescription.internal_error);
        this.#queue.push({ kind: "alert", alert, fatal, epoch: record.epoch });
        return;
      }
      case ContentType.application_data:
        this.#step(record);
        this.#queue.push({ kind: "data", data: record.plaintext, epoch: record.epoch });
        return;
      default:
        this.#queue.push({ kind: "invalid", why: `a record of type ${record.type}` });
    }
  }

  #handshake({ plaintext, epoch, sequence }: ReadRecord): void {
    const { assembly } = this;
    const first = plaintext[0] ?? 0;
    // HelloVerifyRequest, and a ClientHello before there is a handshake, say from which number it goes on.
    if (this.unnumbered.has(first)) assembly.restart(((plaintext[4] ?? 0) << 8) | (plaintext[5] ?? 0));
    const added = assembly.add(plaintext, epoch);
    if (added === "exhausted") this.#port.exhaust();
    if (added === "refused") this.#queue.push({ kind: "invalid", why: "a malformed handshake record" });
    if (added === "old") this.#queue.push({ kind: "repeat" });
    for (let message = assembly.next(); message !== undefined; message = assembly.next()) {
      this.#say(messageName(message.msgType), message.body.length, epoch);
      this.#queue.push({ kind: "message", message, recordSequence: sequence });
    }
  }

  #step({ type, plaintext, epoch }: ReadRecord): void {
    this.#say(describe(type, plaintext), plaintext.length, epoch);
  }

  #say(what: string, bytes: number, epoch: number): void {
    const { recorder, self, peer } = this.#options;
    const inClear = epoch === 0 && this.#records.readEpoch > 0;
    recorder.step({
      connection: this.#port.connection,
      from: peer,
      to: self,
      what,
      bytes,
      ...(inClear && { note: "in the clear" }),
    });
  }
}
