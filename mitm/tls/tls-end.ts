import type { Duplex } from "node:stream";
import type { HandshakeResult, Received, ScriptedEnd } from "../endpoint.ts";
import type { TlsEndOptions } from "./end-options.ts";
import { type HandshakeMessage, type Item, MessageReader } from "./message-reader.ts";
import { AlertLevel, HandshakeType } from "./numbers.ts";
import type { RecordKeys } from "./record-keys.ts";
import type { TlsRule } from "./rules.ts";
import { Refused, Stopped } from "./stopped.ts";
import { versionsOf } from "./suites.ts";
import { TlsSender } from "./tls-sender.ts";

export interface ExpectOptions {
  /** ChangeCipherSpec is one of those that may come. */
  readonly changeCipherSpec?: boolean;
  /** Application data is, as from a peer that leaves out its Finished. */
  readonly applicationData?: boolean;
}

/** A TLS connection, seen from one of its ends: messages out by way of the hook, messages in by the rules. */
export abstract class TlsEnd extends TlsSender implements ScriptedEnd {
  /** The peer's chain, as it was taken. */
  peerChain: readonly Uint8Array[] = [];
  /** verify_data of both Finished, for renegotiation_info (RFC 5746 §3.1). */
  verifyData: { client: Uint8Array; server: Uint8Array } | undefined;
  readonly #reader: MessageReader;
  readonly #early: Uint8Array[] = [];
  readonly #seen = new Set<number>();
  #handshakeDeadline = Number.POSITIVE_INFINITY;
  #peerClosed = false;
  #renegotiating = false;
  #closedSeen = false;
  #idle = 0;

  protected constructor(
    socket: Duplex,
    side: "client" | "server",
    options: TlsEndOptions,
    head?: Uint8Array,
  ) {
    super(socket, side, options, head);
    const holds = (rule: TlsRule) => this.holds(rule);
    this.#reader = new MessageReader(this.records, holds, options.maxMessageLength ?? 2 ** 16);
  }

  abstract handshake(): Promise<HandshakeResult>;
  /** A handshake message that came when no handshake was on. */
  protected abstract afterHandshake(message: HandshakeMessage): Promise<void>;

  async receive(timeoutMs: number): Promise<Received> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const early = this.#early.shift();
      if (early !== undefined) return { kind: "data", data: early };
      const item = await this.item(deadline - performance.now());
      try {
        const received = await this.#afterHandshake(item);
        if (received !== undefined) return received;
      } catch (error) {
        const stopped = this.stopped(error);
        return { kind: "closed", how: `refused: ${stopped.how}`, byThisEnd: true };
      }
    }
  }

  /**
   * The next message of the handshake: one of `types`, or what the options allow. What else comes is dealt with by the
   * rules. It is not in the transcript yet: see `taken`.
   */
  async expect(types: readonly number[], options?: undefined): Promise<HandshakeMessage>;
  async expect(types: readonly number[], options: ExpectOptions): Promise<HandshakeMessage | ContentKind>;
  async expect(
    types: readonly number[],
    options: ExpectOptions = {},
  ): Promise<HandshakeMessage | ContentKind> {
    const { answerMs } = this.options;
    const deadline = this.holds("no-handshake-timeout")
      ? Math.min(performance.now() + answerMs, this.#handshakeDeadline)
      : performance.now() + 3_600_000;
    for (;;) {
      const item = await this.item(deadline - performance.now());
      switch (item.kind) {
        case "handshake":
          if (types.includes(item.message.msgType)) return item.message;
          this.#outOfPlace(item.message);
          break;
        case "changeCipherSpec":
          if (options.changeCipherSpec === true) return "ChangeCipherSpec";
          this.#earlyChangeCipherSpec(item.fragment);
          break;
        case "data":
          if (options.applicationData === true) {
            this.#early.push(item.data);
            return "application data";
          }
          this.#count();
          // RFC 5246 §7.4.1.1 lets it come between the messages of a renegotiation, under the keys that are.
          if (!this.#renegotiating && this.holds("application-data-before-finished")) {
            this.refuse("unexpected_message", "application data before Finished");
          }
          this.#early.push(item.data);
          break;
        case "alert":
          this.#alertInHandshake(item);
          break;
        case "violation":
          throw this.#refused(item.alert, item.how);
        case "closed":
          throw new Stopped({
            refusedAt: this.lastSent,
            alert: undefined,
            how: item.how === "closed" ? "closed without an alert" : item.how,
          });
        case "silence":
          throw new Stopped({
            refusedAt: this.lastSent,
            alert: undefined,
            how: `silent for ${Math.round(answerMs)} ms`,
          });
      }
    }
  }

  /** Puts a message of the peer into the transcript. */
  taken(message: HandshakeMessage): void {
    this.#seen.add(message.msgType);
    this.transcript.add(message.bytes);
  }

  /** What comes next, whatever it is; written down. */
  async item(timeoutMs: number): Promise<Item> {
    const item = await this.#reader.next(timeoutMs);
    this.#note(item);
    return item;
  }

  /** Application data that came before its time: `receive` gives it out first. */
  deliverEarly(data: Uint8Array): void {
    this.#early.push(data);
  }

  /** New keys for what comes: no handshake message may lie across the change. */
  changeReadKeys(keys: RecordKeys): void {
    if (this.#reader.midMessage && this.holds("record-boundary-not-checked")) {
      this.refuse("unexpected_message", "a handshake message lies across a change of keys");
    }
    this.records.read = keys;
  }

  /** Ends the handshake with an alert of this end. */
  refuse(alert: string, how: string): never {
    throw this.#refused(alert, how);
  }

  /** Refuses, if the rule is held and was broken. */
  require(rule: TlsRule, kept: boolean, alert: string, how: string): void {
    if (!kept && this.holds(rule)) this.refuse(alert, how);
  }

  /** The peer's chain, as it came: written down, judged, and from here on what `peerChain` says. */
  judgePeer(chain: readonly Uint8Array[], ocspResponse?: Uint8Array): void {
    for (const [index, der] of chain.entries()) {
      const name = `connection-${this.connection}-${this.options.peer}-${index}.der`;
      this.options.recorder.certificate(name, der);
    }
    this.peerChain = chain;
    const alert = this.options.verifyPeer?.(chain, ocspResponse);
    if (alert !== undefined) this.refuse(alert, `the peer's certificate was refused: ${alert}`);
  }

  protected beginHandshake(): void {
    this.#seen.clear();
    this.#renegotiating = this.verifyData !== undefined;
    const limit = this.options.handshakeMs ?? 10 * this.options.answerMs;
    this.#handshakeDeadline = performance.now() + limit;
  }

  /** Runs a part of the handshake; undefined if it went well. */
  protected async attempt(
    work: () => Promise<void>,
  ): Promise<Extract<HandshakeResult, { completed: false }> | undefined> {
    try {
      await work();
      this.records.flush();
      return undefined;
    } catch (error) {
      return { completed: false, ...this.stopped(error) };
    }
  }

  /** What ended a handshake. What is no fault of the peer is thrown on. */
  protected stopped(error: unknown): Stopped["outcome"] {
    if (error instanceof Stopped) return error.outcome;
    const refused = Refused.from(error);
    if (refused === undefined) throw error;
    return this.#refused(refused.alert, refused.message).outcome;
  }

  #note(item: Item): void {
    const { recorder, self, peer } = this.options;
    const step = (what: string, bytes?: number) =>
      recorder.step({
        connection: this.connection,
        from: peer,
        to: self,
        what,
        ...(bytes === undefined ? {} : { bytes }),
      });
    if (item.kind === "handshake") step(item.message.name, item.message.bytes.length);
    else if (item.kind === "changeCipherSpec") step("ChangeCipherSpec", item.fragment.length);
    else if (item.kind === "data") step("application data", item.data.length);
    else if (item.kind === "alert") step(`Alert ${item.alert}`, 2);
    else if (item.kind === "violation") step(item.how);
    else if (item.kind === "closed" && !this.#closedSeen) {
      this.#closedSeen = true;
      step(item.how);
    }
  }

  #refused(alert: string, how: string): Stopped {
    const refusedAt = this.lastSent;
    this.sendAlert(alert);
    this.records.halfClose();
    return new Stopped({ refusedAt, alert, how, byThisEnd: true });
  }

  #outOfPlace(message: HandshakeMessage): void {
    // RFC 5246 §7.4.1.1: "This message will be ignored by the client if the client is currently negotiating a session."
    if (message.msgType === HandshakeType.hello_request && this.role === "client") {
      this.#count();
      return;
    }
    const again = this.#seen.has(message.msgType) && !this.holds("duplicate-messages-accepted");
    if (!again && this.holds("unexpected-messages-ignored")) {
      this.refuse("unexpected_message", `${message.name} has no place here`);
    }
    this.#count();
    this.taken(message);
  }

  #earlyChangeCipherSpec(fragment: Uint8Array): void {
    this.#count();
    // RFC 8446 §5: "at any time after the first ClientHello message has been sent or received and before the peer's
    // Finished message has been received" one of the single byte 0x01 is dropped; a client may not know its version yet.
    const allowed = this.version !== "TLS 1.2" && this.#mayBe13 && fragment.length === 1 && fragment[0] === 1;
    this.require("early-change-cipher-spec", allowed, "unexpected_message", "ChangeCipherSpec out of place");
  }

  get #mayBe13(): boolean {
    return versionsOf(this.options).includes("TLS 1.3");
  }

  #alertInHandshake(item: Extract<Item, { kind: "alert" }>): void {
    // RFC 5246 §7.2.2: of the warnings, these end what is going on; who began a renegotiation waits in vain for more.
    const final = item.alert === "close_notify" || item.alert === "no_renegotiation";
    // RFC 8446 §6: in TLS 1.3 the level means nothing.
    if (item.level === AlertLevel.warning && !final && this.version !== "TLS 1.3") {
      this.#count();
      return;
    }
    throw new Stopped({ refusedAt: this.lastSent, alert: item.alert, how: `alert ${item.alert}` });
  }

  /** Messages that change nothing are counted, so that a peer cannot keep this end busy for ever. */
  #count(): void {
    this.#idle += 1;
    if (this.#idle > 32) {
      this.require(
        "flood-unbounded",
        false,
        "unexpected_message",
        "more than 32 messages that change nothing",
      );
    }
  }

  async #afterHandshake(item: Item): Promise<Received | undefined> {
    switch (item.kind) {
      case "data":
        if (item.data.length === 0) {
          this.#count();
          return undefined;
        }
        this.#idle = 0;
        return { kind: "data", data: item.data };
      case "alert":
        if (item.alert === "close_notify") {
          this.#peerClosed = true;
          return { kind: "closed", how: "close_notify" };
        }
        if (item.level === AlertLevel.warning) this.#count();
        return { kind: "alert", alert: item.alert, fatal: item.level !== AlertLevel.warning };
      case "closed":
        if (item.how !== "closed") return { kind: "closed", how: item.how };
        return {
          kind: "closed",
          how: this.#peerClosed ? "closed after close_notify" : "closed without close_notify",
        };
      case "silence":
        return { kind: "silence" };
      case "violation":
        throw this.#refused(item.alert, item.how);
      case "changeCipherSpec":
        this.#count();
        this.require(
          "early-change-cipher-spec",
          false,
          "unexpected_message",
          "ChangeCipherSpec out of place",
        );
        return undefined;
      case "handshake":
        this.#count();
        await this.afterHandshake(item.message);
        return undefined;
    }
  }
}

export type ContentKind = "ChangeCipherSpec" | "application data";
