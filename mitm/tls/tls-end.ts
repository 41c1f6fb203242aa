import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RawExtension } from "../../dtls/wire/hello.ts";
import type {
  EndOptions,
  HandshakeResult,
  OutgoingMessage,
  Received,
  Replacement,
  ScriptedEnd,
} from "../endpoint.ts";
import type { Flow } from "../record/recorder.ts";
import { type HandshakeMessage, type Item, MessageReader } from "./message-reader.ts";
import { type MessageBody, withHeader } from "./messages.ts";
import {
  AlertDescription,
  AlertLevel,
  ContentType,
  HandshakeType,
  handshakeName,
  type TlsVersion,
} from "./numbers.ts";
import type { RecordKeys } from "./record-keys.ts";
import { RecordLayer } from "./record-layer.ts";
import { holdsRule, type TlsRule } from "./rules.ts";
import type { ProofOptions } from "./signatures.ts";
import { Refused, Stopped } from "./stopped.ts";
import { versionsOf } from "./suites.ts";
import { Transcript } from "./transcript.ts";

/** What TLS clients and servers have in common. */
export interface TlsEndOptions extends EndOptions {
  /** Best first. Default: both. */
  readonly versions?: readonly TlsVersion[];
  /** Numbers of cipher suites, best first; of a client also such as this engine cannot speak. */
  readonly cipherSuites?: readonly number[];
  /** Default: x25519, secp256r1, secp384r1. */
  readonly groups?: readonly number[];
  readonly signatureSchemes?: readonly number[];
  readonly alpn?: readonly string[];
  /** Added to the ClientHello, or to EncryptedExtensions (the ServerHello of TLS 1.2). */
  readonly extensions?: readonly RawExtension[];
  /** Most bytes of a handshake message in one record; default 2^14. */
  readonly fragmentLength?: number;
  /** Zeros after the content of each protected record, TLS 1.3 alone. */
  readonly padding?: number;
  /** For the whole handshake, ms; default ten times `answerMs`. Without "no-handshake-timeout" no wait has an end. */
  readonly handshakeMs?: number;
  /** Longest handshake message that is taken, in bytes; default 2^16. */
  readonly maxMessageLength?: number;
  /** How the own CertificateVerify is made, and in TLS 1.2 a server's ServerKeyExchange. */
  readonly proof?: ProofOptions;
  /** What stands for the result of the key agreement, whatever the shares are. */
  readonly sharedSecret?: Uint8Array;
}

export interface MessageOptions {
  /** Whether it goes into the own transcript; default true. */
  readonly transcribed?: boolean;
  readonly attack?: boolean;
  readonly note?: string;
}

export interface ExpectOptions {
  /** ChangeCipherSpec is one of those that may come. */
  readonly changeCipherSpec?: boolean;
  /** Application data is, as from a peer that leaves out its Finished. */
  readonly applicationData?: boolean;
}

/** A TLS connection, seen from one of its ends: messages out by way of the hook, messages in by the rules. */
export abstract class TlsEnd implements ScriptedEnd {
  readonly connection: number;
  /** The low level: any bytes, sealed or not. */
  readonly records: RecordLayer;
  readonly transcript = new Transcript();
  abstract readonly role: "client" | "server";
  /** Of what is spoken, once it is agreed on. */
  version: TlsVersion | undefined;
  /** Name of the last message that went out. */
  lastSent = "nothing";
  /** The peer's chain, as it was taken. */
  peerChain: readonly Uint8Array[] = [];
  /** verify_data of both Finished, for renegotiation_info (RFC 5746 §3.1). */
  verifyData: { client: Uint8Array; server: Uint8Array } | undefined;
  protected readonly options: TlsEndOptions;
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
    this.options = options;
    const { recorder } = options;
    this.connection = recorder.connection(flowOf(socket, side));
    const holds = (rule: TlsRule) => this.holds(rule);
    this.records = new RecordLayer(socket, { recorder, connection: this.connection, side, holds, head });
    this.#reader = new MessageReader(this.records, holds, options.maxMessageLength ?? 2 ** 16);
  }

  abstract handshake(): Promise<HandshakeResult>;
  /** A handshake message that came when no handshake was on. */
  protected abstract afterHandshake(message: HandshakeMessage): Promise<void>;

  /** Whether this end keeps a rule. */
  holds(rule: TlsRule): boolean {
    return holdsRule(this.options.tolerates, rule);
  }

  // --- outgoing ---

  /**
   * Sends a message of the handshake, or what the hook wants in its place. Answers the body of that type which went out
   * last; undefined where none did.
   */
  emit(message: MessageBody): Uint8Array | undefined {
    const name = handshakeName(message.msgType);
    const replacements = this.#ask({ name, ...message });
    if (replacements === undefined) {
      this.sendHandshake(message, { attack: this.options.marks?.includes(name) === true });
      return message.body;
    }
    let sent: Uint8Array | undefined;
    for (const replacement of replacements) {
      this.replace(replacement);
      if (replacement.kind === "handshake" && replacement.msgType === message.msgType)
        sent = replacement.body;
    }
    return sent;
  }

  /** ChangeCipherSpec, asking the hook. In TLS 1.2 the own keys change with it. */
  emitChangeCipherSpec(): void {
    const replacements = this.#ask({
      name: "ChangeCipherSpec",
      msgType: undefined,
      body: Uint8Array.of(1),
    });
    if (replacements === undefined) {
      this.sendChangeCipherSpec({ attack: this.options.marks?.includes("ChangeCipherSpec") === true });
      return;
    }
    for (const replacement of replacements) this.replace(replacement);
  }

  /** A handshake message, as the state of the keys is. The hook is not asked. */
  sendHandshake(message: MessageBody, options: MessageOptions = {}): void {
    const bytes = withHeader(message);
    if (options.transcribed !== false) this.transcript.add(bytes);
    const { fragmentLength, padding } = this.options;
    this.records.sendFragmented(
      ContentType.handshake,
      bytes,
      fragmentLength,
      padding === undefined ? {} : { padding },
    );
    this.#sent(handshakeName(message.msgType), bytes.length, options);
  }

  /** The record, and the switch of the own keys where new ones are waiting. The hook is not asked. */
  sendChangeCipherSpec(options: MessageOptions = {}): void {
    // RFC 8446 §D.4: in TLS 1.3 it means nothing, and stays in clear.
    const inClear = this.version !== "TLS 1.2";
    this.records.send(ContentType.change_cipher_spec, Uint8Array.of(1), inClear ? { protected: false } : {});
    this.#sent("ChangeCipherSpec", 1, options);
    this.switchWriteKeys();
  }

  /** TLS 1.2: from here on what goes is under the keys that were agreed on, if they are known. */
  switchWriteKeys(): void {
    if (this.records.nextWrite === undefined) return;
    this.records.write = this.records.nextWrite;
    this.records.nextWrite = undefined;
  }

  /** Sends what a hook would put in the place of a message. */
  replace(replacement: Replacement): void {
    switch (replacement.kind) {
      case "handshake": {
        const { kind: _, msgType, body, ...options } = replacement;
        this.sendHandshake({ msgType, body }, { ...options, attack: true });
        return;
      }
      case "changeCipherSpec":
        this.sendChangeCipherSpec({ attack: true });
        return;
      case "record": {
        const { contentType, fragment } = replacement;
        this.records.send(
          contentType,
          fragment,
          replacement.protected === undefined ? {} : { protected: replacement.protected },
        );
        const note = replacement.note === undefined ? {} : { note: replacement.note };
        this.#sent(recordName(contentType, fragment), fragment.length, { attack: true, ...note });
        return;
      }
    }
  }

  /** @param alert RFC name, "bad_certificate" */
  sendAlert(alert: string, level: "warning" | "fatal" = "fatal", options: MessageOptions = {}): void {
    const description = Object.entries(AlertDescription).find(([name]) => name === alert)?.[1] ?? 80;
    this.records.send(ContentType.alert, Uint8Array.of(AlertLevel[level], description));
    this.#sent(`Alert ${alert}`, 2, options);
  }

  send(data: Uint8Array, options: { readonly attack?: boolean; readonly note?: string } = {}): void {
    const { fragmentLength, padding } = this.options;
    this.records.sendFragmented(
      ContentType.application_data,
      data,
      fragmentLength,
      padding === undefined ? {} : { padding },
    );
    this.#sent("application data", data.length, options);
  }

  close(): void {
    this.sendAlert("close_notify", "warning");
    this.records.halfClose();
  }

  /** Ends the own side of the TCP connection without close_notify; what comes can still be received. */
  halfClose(): void {
    this.records.halfClose();
  }

  destroy(): void {
    this.records.destroy();
  }

  // --- incoming ---

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
        return { kind: "closed", how: `refused: ${stopped.how}` };
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
      : Number.POSITIVE_INFINITY;
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

  /** A line of the key log. */
  secret(label: string, clientRandom: Uint8Array, secret: Uint8Array): void {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    this.options.recorder.secret(`${label} ${hex(clientRandom)} ${hex(secret)}`);
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

  /** The own chain, written down. */
  protected ownChain(): readonly Uint8Array[] {
    const chain = this.options.credential?.chain ?? [];
    for (const [index, der] of chain.entries()) {
      const name = `connection-${this.connection}-${this.options.self}-${index}.der`;
      this.options.recorder.certificate(name, der);
    }
    return chain;
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

  #ask(message: OutgoingMessage): readonly Replacement[] | undefined {
    const replacements = this.options.outgoing?.(message);
    if (replacements?.length === 0) this.#sent(`(${message.name} left out)`, 0, { attack: true }, false);
    return replacements;
  }

  #sent(what: string, bytes: number, options: MessageOptions, isMessage = true): void {
    const { recorder, self, peer } = this.options;
    if (isMessage) this.lastSent = what;
    recorder.step({
      connection: this.connection,
      from: self,
      to: peer,
      what,
      bytes,
      ...(options.attack === true ? { attack: true } : {}),
      ...(options.note === undefined ? {} : { note: options.note }),
    });
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
    // RFC 5246 §7.2.2: a warning, but who began the renegotiation waits in vain.
    const final = item.alert === "close_notify" || (this.#renegotiating && item.alert === "no_renegotiation");
    const warning = item.level === AlertLevel.warning && !final;
    // RFC 8446 §6: in TLS 1.3 the level means nothing; before that the ones below are warnings at most.
    // RFC 5246 §7.2.2: who asked for a renegotiation decides what to do without one: here, no more.
    if (warning && this.version !== "TLS 1.3" && item.alert !== "no_renegotiation") {
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

/** A stream that is no socket, as between two ends in one process, has no addresses. */
function flowOf(socket: Duplex, side: "client" | "server"): Flow {
  const from = socket instanceof Socket ? socket : undefined;
  const local = { address: from?.localAddress ?? "", port: from?.localPort ?? 0 };
  const remote = { address: from?.remoteAddress ?? "", port: from?.remotePort ?? 0 };
  return side === "client"
    ? { protocol: "tcp", client: local, server: remote }
    : { protocol: "tcp", client: remote, server: local };
}

function recordName(contentType: number, fragment: Uint8Array): string {
  if (contentType === ContentType.application_data) return "application data";
  if (contentType === ContentType.change_cipher_spec) return "ChangeCipherSpec";
  if (contentType === ContentType.alert) return "Alert";
  if (contentType === ContentType.handshake) return `${handshakeName(fragment[0] ?? 255)} (record)`;
  return `record of type ${contentType}`;
}
