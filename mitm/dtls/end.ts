import { hash } from "node:crypto";
import { extendedMasterSecret, masterSecret, verifyData } from "../../dtls/crypto/prf.ts";
import { randomBytes } from "../../dtls/crypto/random.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import { writeMessage } from "../../dtls/wire/handshake.ts";
import { AlertLevel, ContentType } from "../../dtls/wire/registry.ts";
import type { HandshakeResult, Received, Replacement, ScriptedEnd } from "../endpoint.ts";
import type { Message } from "./assembly.ts";
import { type Incoming, IncomingQueue } from "./incoming.ts";
import { alertNumber, type MessageName, messageName, msgTypeOf } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import { Outgoing, type Saying } from "./outgoing.ts";
import type { DatagramPort } from "./port.ts";
import { type Forgery, RecordLayer } from "./records.ts";
import { Refusal } from "./refusal.ts";
import { Tolerance } from "./tolerance.ts";

const defaultRetransmitMs = 400;
const longestRetransmitMs = 8000;
/** Data that came before it could be read, in records. */
const mostEarly = 16;

/** One side of DTLS 1.2 that does as it is told: see ScriptedEnd. */
export abstract class DtlsEnd implements ScriptedEnd {
  readonly port: DatagramPort;
  /** Seals and opens; an attack may use it by hand. */
  readonly records: RecordLayer;
  readonly outgoing: Outgoing;
  /** RFC 6347 §4.2.6: messages of both sides, each as if in one fragment. */
  transcript: Uint8Array[] = [];
  readonly random: Uint8Array;
  suite: Suite | undefined;
  masterSecret: Uint8Array | undefined;
  peerRandom: Uint8Array | undefined;
  peerChain: readonly Uint8Array[] = [];
  protected readonly tolerance: Tolerance;
  protected readonly incoming: IncomingQueue;
  protected open = false;
  protected extendedMasterSecret = false;
  /** The id that the peer wants on what it is sent, and the one that this end gave out. */
  protected sendConnectionId: Uint8Array | undefined;
  protected receiveConnectionId: Uint8Array | undefined;
  readonly #options: DtlsOptions;
  readonly #role: "client" | "server";
  readonly #early: Uint8Array[] = [];
  #ended: string | undefined;

  protected constructor(role: "client" | "server", port: DatagramPort, options: DtlsOptions) {
    this.#role = role;
    this.#options = options;
    this.port = port;
    port.record(options.recorder);
    this.tolerance = new Tolerance(options.tolerates);
    this.records = new RecordLayer(role, this.tolerance);
    this.outgoing = new Outgoing(port, this.records, options, (message) => this.transcript.push(message));
    this.incoming = new IncomingQueue(port, this.records, options, this.tolerance);
    this.random = (options.random ?? randomBytes)(32);
  }

  /** The id that the peer wants on what it is sent; undefined where none was negotiated. */
  get peerConnectionId(): Uint8Array | undefined {
    return this.sendConnectionId;
  }

  get connection(): number {
    return this.port.connection;
  }

  /** The whole handshake of this role, up to the peer's Finished or whatever takes its place. */
  protected abstract negotiate(): Promise<void>;
  /** The right body of a message, at this moment. */
  protected abstract bodyOf(name: MessageName): Uint8Array;
  /** After a message of this end went into the flight. */
  protected abstract said(msgType: number): void;

  async handshake(): Promise<HandshakeResult> {
    return (await this.attempt(() => this.negotiate())) ?? this.result();
  }

  /** A part of a handshake by hand: undefined when it went well, otherwise how it ended. */
  async attempt(
    part: () => Promise<void>,
  ): Promise<Extract<HandshakeResult, { completed: false }> | undefined> {
    try {
      await part();
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      const { alert, message: how, byThisEnd } = thrown;
      const refusedAt = this.outgoing.last;
      if (byThisEnd) {
        if (alert !== undefined) this.alert(alert);
        this.port.close();
      }
      if (thrown.isFinal) this.#ended ??= how;
      return { completed: false, refusedAt, alert, how, ...(byThisEnd && { byThisEnd }) };
    }
  }

  protected result(): HandshakeResult {
    this.open = true;
    return {
      completed: true,
      version: "DTLS 1.2",
      cipherSuite: this.suite?.id ?? 0,
      resumed: false,
      peerChain: this.peerChain,
    };
  }

  // --- sending ---

  /** Begins a new flight and sends these: right messages by their name, as the hook has them, or anything else. */
  flight(items: readonly (MessageName | Replacement)[]): void {
    this.outgoing.begin();
    this.say(items);
  }

  /** As `flight`, but what was sent before still belongs to it. */
  say(items: readonly (MessageName | Replacement)[]): void {
    for (const item of items) {
      if (typeof item === "string") this.#sayByName(item);
      else this.#add(item, true);
    }
    this.outgoing.flush();
  }

  #sayByName(name: MessageName): void {
    const msgType = msgTypeOf(name);
    const body = msgType === undefined ? Uint8Array.of(1) : this.bodyOf(name);
    const replacements = this.#options.outgoing?.({ name, msgType, body });
    if (replacements !== undefined) {
      if (replacements.length === 0) this.outgoing.leaveOut(name);
      for (const replacement of replacements) this.#add(replacement, true);
    } else if (msgType === undefined) {
      this.#add({ kind: "changeCipherSpec" }, this.outgoing.isMarked(name));
    } else {
      this.#add({ kind: "handshake", msgType, body }, this.outgoing.isMarked(name));
    }
  }

  #add(item: Replacement, attack: boolean): void {
    if (item.kind === "changeCipherSpec") this.ensureKeys();
    this.outgoing.add(item, attack);
    if (item.kind === "handshake") this.said(item.msgType);
  }

  send(data: Uint8Array, options: Saying = {}): void {
    this.record(ContentType.application_data, data, {}, options);
  }

  /** One record, in no flight; wrong in the ways that `forgery` says. */
  record(type: number, fragment: Uint8Array, forgery: Forgery = {}, saying: Saying = {}): void {
    this.outgoing.record(type, fragment, forgery, saying);
  }

  /** A fatal alert, but for close_notify. By its name in RFC 5246 §7.2. */
  alert(name: string, forgery: Forgery = {}, saying: Saying = {}): void {
    const level = name === "close_notify" ? AlertLevel.warning : AlertLevel.fatal;
    this.record(ContentType.alert, Uint8Array.of(level, alertNumber(name)), forgery, saying);
  }

  close(): void {
    if (this.#ended === undefined && this.port.closed === undefined) this.alert("close_notify");
    this.destroy();
  }

  /**
   * Ends, and says so in a way that is heard: in a session by close_notify, before there is one by a fatal alert in the
   * clear. A server that serves one peer at a time would wait for the rest of the handshake.
   */
  leave(): void {
    const isGone = this.#ended !== undefined || this.port.closed !== undefined;
    if (!isGone && !this.open) this.alert("handshake_failure", { epoch: 0 });
    if (this.open) this.close();
    else this.destroy();
  }

  destroy(): void {
    this.#ended ??= "closed by this end";
    this.port.close();
  }

  // --- receiving ---

  /** What comes next, of any kind, for a handshake by hand; undefined: nothing within the time. */
  async next(timeoutMs: number): Promise<Incoming | undefined> {
    return await this.incoming.next(performance.now() + timeoutMs);
  }

  async receive(timeoutMs: number): Promise<Received> {
    const until = performance.now() + timeoutMs;
    while (this.#ended === undefined) {
      const early = this.#early.shift();
      if (early !== undefined) return { kind: "data", data: early };
      const incoming = await this.incoming.next(until);
      if (incoming === undefined) {
        if (this.port.closed === undefined) return { kind: "silence" };
        this.#ended = this.port.closed;
        break;
      }
      const received = this.#afterHandshake(incoming);
      if (received !== undefined) return received;
    }
    return { kind: "closed", how: this.#ended ?? "closed" };
  }

  #afterHandshake(incoming: Incoming): Received | undefined {
    switch (incoming.kind) {
      case "data":
        if (!this.accepts(incoming)) return undefined;
        return { kind: "data", data: incoming.data };
      case "alert": {
        // RFC 6347 §4.1: what is not protected, once there is protection, is nobody's word.
        if (this.open && incoming.epoch === 0 && this.tolerance.holds("plaintext-alert-obeyed"))
          return undefined;
        const { alert, fatal } = incoming;
        if (alert === "close_notify") {
          this.close();
          this.#ended = "close_notify";
          return { kind: "closed", how: this.#ended };
        }
        if (fatal) this.#end(`alert ${alert}`);
        else if (this.tolerance.lacks("alerts-unbounded")) this.countAlert();
        return { kind: "alert", alert, fatal };
      }
      case "repeat":
        if (this.tolerance.lacks("plaintext-handshake-obeyed"))
          return this.#endBy("a message that came again");
        if (!this.tolerance.lacks("no-retransmission")) this.outgoing.again(20);
        return undefined;
      case "invalid":
        if (!this.tolerance.lacks("invalid-record-ends-session")) return undefined;
        this.alert("decode_error");
        return this.#endBy(incoming.why);
      case "message":
        return this.#messageAfterHandshake(incoming.message);
      case "changeCipherSpec":
        if (this.tolerance.lacks("plaintext-handshake-obeyed")) {
          return this.#endBy("a ChangeCipherSpec after the handshake");
        }
        // An attacker whose handshake was cut short follows a peer that goes on all the same.
        if (this.tolerance.isAttacker && this.records.readEpoch === 0) {
          this.ensureKeys();
          this.records.readEpoch = 1;
        }
        return undefined;
    }
  }

  #messageAfterHandshake({ msgType, epoch }: Message): Received | undefined {
    if (epoch > 0 || messageName(msgType) !== "ClientHello") return undefined;
    if (!this.tolerance.lacks("session-lost-to-new-hello")) return undefined;
    return this.#endBy("a new ClientHello");
  }

  #endBy(how: string): Received {
    this.#end(how);
    return { kind: "closed", how };
  }

  #end(how: string): void {
    this.#ended = how;
    this.port.close();
  }

  /** Whether application data may be taken, by the epoch it came in. */
  protected accepts({ epoch }: { readonly epoch: number }): boolean {
    if (epoch > 0) return true;
    if (this.tolerance.lacks("plaintext-data-accepted")) return true;
    // Before there are keys an attacker reads everything; and an end that was talked out of having keys has none.
    return this.records.readEpoch === 0 && (this.tolerance.isAttacker || this.open);
  }

  #alerts = 0;

  /** A weak twin that cannot bear many alerts. */
  protected countAlert(): void {
    this.#alerts += 1;
    if (this.#alerts > 100) this.port.exhaust();
  }

  protected keep(data: Uint8Array): void {
    if (this.#early.length < mostEarly) this.#early.push(data);
  }

  /**
   * Gives each thing that comes to `take` until that answers true; flights are sent again meanwhile.
   *
   * @throws Refusal when the peer refuses, or nothing new comes for as long as the lab is patient
   */
  protected async until(take: (incoming: Incoming) => boolean): Promise<void> {
    const { answerMs, retransmitMs = defaultRetransmitMs } = this.#options;
    let delay = retransmitMs;
    let quietSince = performance.now();
    for (;;) {
      const resend = {
        at: performance.now() + delay,
        again: () => {
          if (this.tolerance.lacks("no-retransmission")) return Number.POSITIVE_INFINITY;
          this.outgoing.again(0);
          if (!this.tolerance.lacks("retransmits-without-backoff")) {
            delay = Math.min(2 * delay, longestRetransmitMs);
          }
          return performance.now() + delay;
        },
      };
      const incoming = await this.incoming.next(quietSince + answerMs, resend);
      if (incoming === undefined) {
        const how = this.port.closed ?? `silent for ${answerMs} ms`;
        throw Refusal.byPeer(how, undefined, this.port.closed !== undefined);
      }
      if (incoming.kind === "repeat") {
        if (!this.tolerance.lacks("no-retransmission")) this.outgoing.again(20);
        continue;
      }
      if (incoming.kind === "invalid") continue;
      if (incoming.kind === "alert") {
        if (!incoming.fatal && this.tolerance.lacks("alerts-unbounded")) this.countAlert();
        if (!incoming.fatal && incoming.alert !== "close_notify") continue;
        throw Refusal.byPeer(`alert ${incoming.alert}`, incoming.alert, true);
      }
      quietSince = performance.now();
      delay = retransmitMs;
      if (take(incoming)) return;
    }
  }

  // --- secrets ---

  transcriptHash(): Uint8Array {
    return hash(this.#prfHash, Buffer.concat(this.transcript), "buffer");
  }

  get #prfHash(): Suite["prfHash"] {
    return this.suite?.prfHash ?? "sha256";
  }

  /** RFC 5246 §8.1 or RFC 7627 §4, of the transcript as it is now. */
  protected derive(premaster: Uint8Array): void {
    const [client, server] = this.#randoms;
    this.useMasterSecret(
      this.extendedMasterSecret
        ? extendedMasterSecret(this.#prfHash, premaster, this.transcriptHash())
        : masterSecret(this.#prfHash, premaster, client, server),
    );
  }

  /** Keys of this master secret, and no other, from now on. */
  useMasterSecret(master: Uint8Array): void {
    if (this.suite === undefined) return;
    const [clientRandom, serverRandom] = this.#randoms;
    this.masterSecret = master;
    this.records.install({
      suite: this.suite,
      masterSecret: master,
      clientRandom,
      serverRandom,
      sendConnectionId: this.sendConnectionId,
      receiveConnectionId: this.receiveConnectionId,
    });
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    this.#options.recorder.secret(`CLIENT_RANDOM ${hex(clientRandom)} ${hex(master)}`);
  }

  /** Keys that are needed before there is a secret are those of an empty one, as in CVE-2014-0224. */
  protected ensureKeys(): void {
    if (!this.records.hasKeys) this.useMasterSecret(new Uint8Array(48));
  }

  get #randoms(): readonly [Uint8Array, Uint8Array] {
    const peer = this.peerRandom ?? new Uint8Array(32);
    return this.#role === "client" ? [this.random, peer] : [peer, this.random];
  }

  /** RFC 5246 §7.4.9 */
  protected verifyDataOf(sender: "client" | "server"): Uint8Array {
    return verifyData(this.#prfHash, this.masterSecret ?? new Uint8Array(48), sender, this.transcriptHash());
  }

  protected transcribe({ msgType, messageSeq, transcribed }: Message): void {
    this.transcript.push(writeMessage(msgType, messageSeq, transcribed));
  }
}
