import { EventEmitter } from "node:events";
import type { TLSSocket } from "node:tls";
import { type RefusalReason, refusalReasons } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { Framer, type FramerFault } from "./framer.ts";
import { InputBuffer } from "./input-buffer.ts";
import { OutboundHold } from "./outbound-hold.ts";
import { connack, connackUnsupportedVersion5, connectReturnCode } from "./packet.ts";
import { ReadRate } from "./read-rate.ts";
import type { TlsWatch } from "./tls-watch.ts";
import { WriteBatch } from "./write-batch.ts";

/** Unread input at which the socket is left alone until the broker has caught up. */
const inputHighWater = 64 * 1024;
/** Queued output under which stored messages go on being handed out. */
const outputLowWater = 256 * 1024;
/** How long a peer gets to take the last bytes and say goodbye. */
const lingerMs = 2_000;
/** How long the broker gets to take the last bytes of a peer that is gone. */
const lastReadMs = 5_000;

const pause = { input: 1, rate: 2 } as const;

/**
 * One client's connection as the broker sees it: the few parts of a Duplex that Aedes uses, over the TLS
 * socket, and not a Duplex, for a second set of stream buffers costs more than all the checks here.
 *
 *  - every byte is judged before the broker sees it (Framer), and read no faster than the limits say;
 *  - the CONNECT goes to the broker alone, what follows it waits for the CONNACK;
 *  - `write` is always true: no delivery ever waits for this client. One that lets more than
 *    `limits.queuedBytes` pile up is cut off;
 *  - no packet leaves before the CONNACK (MQTT-3.2.0-1);
 *  - what the broker writes in one turn of the event loop leaves as one TLS record.
 *
 * Besides what Aedes listens to it emits "acknowledged" with the return code of the CONNACK as that is written.
 */
export class MqttConnection extends EventEmitter {
  readonly address: string;
  readonly #socket: TLSSocket;
  readonly #limits: Limits;
  readonly #framer: Framer;
  readonly #rate: ReadRate;
  readonly #hold = new OutboundHold();
  readonly #batch: WriteBatch;
  readonly #connectTimer: NodeJS.Timeout;
  readonly #watch: Pick<TlsWatch, "look"> | undefined;
  #receivedBytes = 0;
  #receivedRecords = 0;
  readonly #input = new InputBuffer();
  #paused = 0;
  #rateTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #inputEnded = false;
  #endEmitted = false;
  #closed = false;
  #ending = false;
  #socketClosed = false;
  #end: { reason: RefusalReason; detail: string } | undefined;

  /** Aedes stores its Client here. */
  client: unknown;
  destroyed = false;

  /** `watch`: none where there is no TLS below, as in a test. */
  constructor(socket: TLSSocket, address: string, limits: Limits, watch?: Pick<TlsWatch, "look">) {
    super();
    this.#watch = watch;
    this.address = address;
    this.#socket = socket;
    this.#limits = limits;
    this.#framer = new Framer(limits);
    this.#rate = new ReadRate(limits, performance.now());
    this.#batch = new WriteBatch(socket, () => this.#cutWhenSlow());
    this.#connectTimer = setTimeout(
      () => this.refuse("connect_timeout", `no CONNECT within ${limits.connectTimeoutMs} ms`),
      limits.connectTimeoutMs,
    );
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onSocketClose());
    socket.on("drain", () => this.#onDrain());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#because("connection_lost", error.code ?? error.message);
      // RFC 9846 §5.2: a record that does not verify terminates the connection. Node reports it and goes on.
      socket.destroy();
    });
  }

  /** Why the connection ends or ended, once something decided it; the first reason stays. */
  get endReason(): { readonly reason: RefusalReason; readonly detail: string } | undefined {
    return this.#end;
  }

  /** The client said DISCONNECT. */
  get saidDisconnect(): boolean {
    return this.#framer.disconnected;
  }

  /** Bytes waiting to be taken by the peer. */
  get queuedBytes(): number {
    return this.#hold.size + this.#socket.writableLength;
  }

  /** The CONNACK was written. */
  get acknowledged(): boolean {
    return this.#hold.released;
  }

  // --- for the gateway ---

  /** Ends at once: nothing more is read, written or flushed. */
  cut(reason: RefusalReason, detail: string): void {
    this.#because(reason, detail);
    this.#finish();
    this.#socket.destroy();
  }

  /** Refuses a connection that has no session yet: answers with a CONNACK where MQTT has one, then ends. */
  refuse(reason: RefusalReason, detail: string, returnCode?: number): void {
    this.#because(reason, detail);
    if (returnCode !== undefined && !this.acknowledged) this.#answer(connack(returnCode));
    this.destroy();
  }

  /** Ends with what is queued flushed, within the linger time. */
  end(reason: RefusalReason, detail: string): void {
    this.#because(reason, detail);
    this.destroy();
  }

  /** Notes why the connection is about to end, for an end that the broker carries out. */
  note(reason: RefusalReason, detail: string): void {
    this.#because(reason, detail);
  }

  /** The CONNECT arrived whole and is being judged: its timer stops. */
  connectArrived(): void {
    clearTimeout(this.#connectTimer);
  }

  /** Ends a connection whose peer sends too much that is no application data. To be called every now and then. */
  checkOverhead(nowMs: number): void {
    if (this.#socketClosed) return;
    const bytes = this.#watch?.look(this.#receivedBytes, this.#receivedRecords, nowMs);
    if (bytes !== undefined)
      this.cut("tls_overhead", `${Math.round(bytes)} bytes that are no application data`);
  }

  /** Resolves when stored messages may go on being handed out, and rejects when the connection ends first. */
  async headroom(): Promise<void> {
    while (this.queuedBytes > outputLowWater) {
      if (this.destroyed) throw new Error("connection closed");
      await new Promise<void>((resolve) => this.once("headroom", resolve));
    }
  }

  // --- for Aedes ---

  /** Everything that arrived and passed, or null. */
  read(): Buffer | null {
    if (this.destroyed) return null;
    const bytes = this.#input.take();
    if (bytes === null) return null;
    this.#resume(pause.input);
    if (this.#inputEnded) queueMicrotask(() => this.#emitEnd());
    return bytes;
  }

  /** Always true: see the class. */
  write(chunk: string | Uint8Array, encoding?: BufferEncoding): boolean {
    if (this.destroyed) return true;
    if (this.#hold.released) {
      this.#batch.add(chunk, encoding);
      // The small pieces are looked at when the batch is full.
      if (chunk.length > 1024) this.#cutWhenSlow();
    } else {
      this.#writeHeld(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      this.#cutWhenSlow();
    }
    return true;
  }

  /** Flushes what is queued and closes; with an error it closes at once. */
  destroy(error?: Error): this {
    if (this.destroyed) return this;
    if (error !== undefined) this.#because("protocol_error", error.message);
    this.#finish();
    if (this.#socket.destroyed) return this;
    this.#batch.flush();
    // Who said goodbye waits for nothing: shutting TLS and TCP down in turn would cost a tenth of a connection.
    const said = (this.saidDisconnect || this.#inputEnded) && this.#socket.writableLength === 0;
    if (error !== undefined || said) {
      this.#socket.destroy();
      return this;
    }
    this.#socket.end();
    this.#socket.resume();
    this.#lingerTimer = setTimeout(() => this.#socket.destroy(), lingerMs);
    return this;
  }

  // --- input ---

  #onData(chunk: Buffer): void {
    // OpenSSL hands out one record at a time, and Node passes it on as it is.
    this.#receivedBytes += chunk.length;
    this.#receivedRecords += 1;
    if (this.#ending) return;
    const publishes = this.#framer.publishes;
    const fault = this.#framer.push(chunk);
    if (fault !== undefined) return this.#onFault(fault);
    const connectEnd = this.#framer.connectEnd;
    if (this.#hold.released || (connectEnd === undefined && this.#framer.packets === 0)) {
      this.#accept(chunk);
    } else if (connectEnd === undefined) {
      this.#keepBehindConnect(chunk);
    } else {
      if (connectEnd < chunk.length) this.#keepBehindConnect(chunk.subarray(connectEnd));
      this.connectArrived();
      this.#accept(chunk.subarray(0, connectEnd));
    }
    // The broker may have ended it: nothing is left to wait for.
    if (this.#ending) return;
    const waitMs = this.#rate.take(chunk.length, this.#framer.publishes - publishes, performance.now());
    if (waitMs > 0) this.#throttle(waitMs);
  }

  #accept(chunk: Buffer): void {
    this.#input.add(chunk);
    this.emit("readable");
    this.#pauseWhenFull();
  }

  #keepBehindConnect(chunk: Buffer): void {
    this.#input.addBehindConnect(chunk);
    this.#pauseWhenFull();
  }

  #pauseWhenFull(): void {
    if (this.#input.bytes >= inputHighWater) this.#pause(pause.input);
  }

  #onFault(fault: FramerFault): void {
    if (fault.reason !== "protocol_version") return this.cut(fault.reason, refusalReasons[fault.reason]);
    this.#because("protocol_version", `the client speaks protocol level ${fault.level}, 4 is spoken here`);
    this.#answer(
      fault.level === 5 ? connackUnsupportedVersion5 : connack(connectReturnCode.unacceptableProtocolVersion),
    );
    this.destroy();
  }

  #onEnd(): void {
    // TLS or TCP ended: a packet that is not complete by now never reaches a subscriber.
    this.#inputEnded = true;
    if (!this.saidDisconnect) this.#because("connection_lost", "the peer closed without DISCONNECT");
    if (this.#input.bytes === 0) this.#emitEnd();
  }

  #onSocketClose(): void {
    this.#socketClosed = true;
    clearTimeout(this.#lingerTimer);
    if (this.#inputEnded && this.#input.bytes > 0 && !this.destroyed) {
      // The peer sent all it had and left: the broker still gets it.
      this.#lingerTimer = setTimeout(() => this.#finish(), lastReadMs);
      return;
    }
    this.#finish();
    this.#emitClose();
  }

  #emitEnd(): void {
    if (this.#endEmitted || this.#ending) return;
    this.#endEmitted = true;
    this.emit("end");
    if (this.#socketClosed) this.#finish();
  }

  #throttle(waitMs: number): void {
    this.#pause(pause.rate);
    clearTimeout(this.#rateTimer);
    this.#rateTimer = setTimeout(() => this.#resume(pause.rate), waitMs);
  }

  #pause(why: number): void {
    this.#paused |= why;
    this.#socket.pause();
  }

  #resume(why: number): void {
    if ((this.#paused & why) === 0) return;
    this.#paused &= ~why;
    if (this.#paused === 0) this.#socket.resume();
  }

  // --- output ---

  #answer(bytes: Uint8Array): void {
    if (!this.destroyed && !this.#socket.destroyed) this.#batch.add(bytes);
  }

  #onDrain(): void {
    this.emit("headroom");
  }

  #writeHeld(chunk: Uint8Array): void {
    const out = this.#hold.push(chunk);
    if (out === undefined) return;
    this.#batch.add(out);
    this.#input.release();
    this.emit("acknowledged", out[3]);
  }

  #cutWhenSlow(): void {
    if (this.queuedBytes <= this.#limits.queuedBytes || this.destroyed) return;
    this.cut("slow_consumer", `${this.queuedBytes} bytes were waiting to be read by the client`);
  }

  // --- the end ---

  #because(reason: RefusalReason, detail: string): void {
    this.#end ??= { reason, detail };
  }

  #finish(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.destroyed = true;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#rateTimer);
    clearTimeout(this.#lingerTimer);
    this.#input.clear();
    this.emit("headroom");
    // As a stream does it: never in the middle of the call that ended it.
    process.nextTick(() => this.#emitClose());
  }

  #emitClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.emit("close");
  }
}
