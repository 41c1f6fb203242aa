import { hash } from "node:crypto";
import { extendedMasterSecret, masterSecret, verifyData } from "../../dtls/crypto/prf.ts";
import { randomBytes } from "../../dtls/crypto/random.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import { writeMessage } from "../../dtls/wire/handshake.ts";
import { AlertLevel, ContentType } from "../../dtls/wire/registry.ts";
import type { Replacement } from "../endpoint.ts";
import type { Message } from "./assembly.ts";
import { alertNumber, type MessageName, msgTypeOf } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import { Outgoing, type Saying } from "./outgoing.ts";
import type { DatagramPort } from "./port.ts";
import { type Forgery, RecordLayer } from "./records.ts";
import { Tolerance } from "./tolerance.ts";

/** What an end says, and the secrets that it says it under. */
export abstract class SpeakingEnd {
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
  protected readonly tolerance: Tolerance;
  protected extendedMasterSecret = false;
  /** The id that the peer wants on what it is sent, and the one that this end gave out. */
  protected sendConnectionId: Uint8Array | undefined;
  protected receiveConnectionId: Uint8Array | undefined;
  readonly #options: DtlsOptions;
  readonly #role: "client" | "server";

  protected constructor(role: "client" | "server", port: DatagramPort, options: DtlsOptions) {
    this.#role = role;
    this.#options = options;
    this.port = port;
    port.record(options.recorder);
    this.tolerance = new Tolerance(options.tolerates);
    this.records = new RecordLayer(role, this.tolerance);
    this.outgoing = new Outgoing(port, this.records, options, (message) => this.transcript.push(message));
    this.random = (options.random ?? randomBytes)(32);
  }

  /** The right body of a message, at this moment. */
  protected abstract bodyOf(name: MessageName): Uint8Array;
  /** After a message of this end went into the flight. */
  protected abstract said(msgType: number): void;

  get connection(): number {
    return this.port.connection;
  }

  /** The id that the peer wants on what it is sent; undefined where none was negotiated. */
  get peerConnectionId(): Uint8Array | undefined {
    return this.sendConnectionId;
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

  // --- secrets ---

  transcriptHash(): Uint8Array {
    return hash(this.#prfHash, Buffer.concat(this.transcript), "buffer");
  }

  get #prfHash(): Suite["prfHash"] {
    return this.suite?.prfHash ?? "sha256";
  }

  /** RFC 5246 §8.1 or RFC 7627 §4, of the transcript as it is now. Keys are made of it at ChangeCipherSpec. */
  protected derive(premaster: Uint8Array): void {
    const [client, server] = this.#randoms;
    this.useMasterSecret(
      this.extendedMasterSecret
        ? extendedMasterSecret(this.#prfHash, premaster, this.transcriptHash())
        : masterSecret(this.#prfHash, premaster, client, server),
    );
  }

  /** From the next ChangeCipherSpec on this is the master secret. */
  useMasterSecret(master: Uint8Array): void {
    this.masterSecret = master;
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    this.#options.recorder.secret(`CLIENT_RANDOM ${hex(this.#randoms[0])} ${hex(master)}`);
  }

  /**
   * Either side changes its cipher. Without a master secret the keys are those of an empty one, and stay so when there
   * is one later, as in CVE-2014-0224.
   */
  protected ensureKeys(): void {
    if (this.records.hasKeys || this.suite === undefined) return;
    const [clientRandom, serverRandom] = this.#randoms;
    const cuts = this.tolerance.lacks("long-connection-id-not-borne");
    this.records.install({
      suite: this.suite,
      masterSecret: this.masterSecret ?? new Uint8Array(48),
      clientRandom,
      serverRandom,
      sendConnectionId: cuts ? this.sendConnectionId?.subarray(0, 32) : this.sendConnectionId,
      receiveConnectionId: this.receiveConnectionId,
    });
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
