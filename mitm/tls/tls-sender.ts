import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { OutgoingMessage, Replacement } from "../endpoint.ts";
import type { Flow } from "../record/recorder.ts";
import type { MessageOptions, TlsEndOptions } from "./end-options.ts";
import { type MessageBody, withHeader } from "./messages.ts";
import { AlertDescription, AlertLevel, ContentType, handshakeName, type TlsVersion } from "./numbers.ts";
import { RecordLayer } from "./record-layer.ts";
import { holdsRule, type TlsRule } from "./rules.ts";
import { Transcript } from "./transcript.ts";

/** What a TLS end says: messages by way of the hook, or as they are; all of it written down. */
export abstract class TlsSender {
  readonly connection: number;
  /** The low level: any bytes, sealed or not. */
  readonly records: RecordLayer;
  readonly transcript = new Transcript();
  abstract readonly role: "client" | "server";
  /** Of what is spoken, once it is agreed on. */
  version: TlsVersion | undefined;
  /** Name of the last message that went out. */
  lastSent = "nothing";
  protected readonly options: TlsEndOptions;

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
  }

  /** Whether this end keeps a rule. */
  holds(rule: TlsRule): boolean {
    return holdsRule(this.options.tolerates, rule);
  }

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
    const { coalesce, fragmentLength } = this.options;
    if (coalesce === true) this.records.hold(bytes);
    else this.records.sendFragmented(ContentType.handshake, bytes, fragmentLength, this.#padding());
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
    const { fragmentLength } = this.options;
    this.records.sendFragmented(ContentType.application_data, data, fragmentLength, this.#padding());
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

  /** A line of the key log. */
  secret(label: string, clientRandom: Uint8Array, secret: Uint8Array): void {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    this.options.recorder.secret(`${label} ${hex(clientRandom)} ${hex(secret)}`);
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

  #padding(): { readonly padding?: number } {
    const { padding } = this.options;
    return padding === undefined ? {} : { padding };
  }

  #ask(message: OutgoingMessage): readonly Replacement[] | undefined {
    const replacements = this.options.outgoing?.(message);
    if (replacements?.length === 0) this.#sent(`(${message.name} left out)`, 0, { attack: true }, false);
    return replacements;
  }

  #sent(what: string, bytes: number, options: MessageOptions, isMessage = true): void {
    const { recorder, self, peer } = this.options;
    // What was not sent is no attack that was brought to anybody.
    if (!this.records.writable) return;
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
}

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
