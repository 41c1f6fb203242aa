import { writeMessage } from "../../dtls/wire/handshake.ts";
import { ContentType } from "../../dtls/wire/registry.ts";
import type { Replacement } from "../endpoint.ts";
import type { Actor } from "../record/recorder.ts";
import { datagramsOf, type Unit, unitsOfMessage } from "./flight.ts";
import { alertName, contentTypeName, messageName } from "./names.ts";
import type { DtlsOptions } from "./options.ts";
import type { DatagramPort } from "./port.ts";
import type { Forgery, RecordLayer } from "./records.ts";

/** How a thing that is sent stands in the transcript of the recorder. */
export interface Saying {
  readonly what?: string | undefined;
  readonly attack?: boolean | undefined;
  readonly note?: string | undefined;
}

interface Said extends Saying {
  readonly what: string;
  readonly bytes: number;
}

const defaultMtu = 1200;

/** What one end sends: flights that can be sent again, and records by themselves. */
export class Outgoing {
  readonly #port: DatagramPort;
  readonly #records: RecordLayer;
  readonly #options: DtlsOptions;
  readonly #transcript: (message: Uint8Array) => void;
  #flight: Unit[] = [];
  /** Sealed when they were said: keys may change within a flight. */
  #unsent: Uint8Array[] = [];
  #said: Said[] = [];
  #sentAt = 0;
  /** message_seq of the next message. */
  nextSeq = 0;
  /** What was sent last, for a refusal. */
  last = "nothing";

  constructor(
    port: DatagramPort,
    records: RecordLayer,
    options: DtlsOptions,
    transcript: (message: Uint8Array) => void,
  ) {
    this.#port = port;
    this.#records = records;
    this.#options = options;
    this.#transcript = transcript;
  }

  /** A new flight: the one before is not sent again. */
  begin(): void {
    this.#flight = [];
    this.#unsent = [];
    this.#said = [];
  }

  /** Whether `name` was declared to be the attack. */
  isMarked(name: string): boolean {
    return this.#options.marks?.includes(name) === true;
  }

  /** Adds a message, a ChangeCipherSpec or a record to the flight. */
  add(item: Replacement, attack: boolean): void {
    const { writeEpoch } = this.#records;
    if (item.kind === "changeCipherSpec") {
      const fragment = Uint8Array.of(1);
      this.#put({ type: ContentType.change_cipher_spec, fragment, forgery: { epoch: writeEpoch } });
      this.#say({ what: "ChangeCipherSpec", attack, bytes: 1 });
      this.#records.writeEpoch += 1;
      return;
    }
    if (item.kind === "record") {
      const epoch = item.protected === undefined ? writeEpoch : item.protected ? Math.max(1, writeEpoch) : 0;
      this.#put({ type: item.contentType, fragment: item.fragment, forgery: { epoch } });
      const what = `record of ${contentTypeName(item.contentType)}`;
      this.#say({ what, attack, bytes: item.fragment.length, note: item.note });
      return;
    }
    this.#addMessage(item, attack);
  }

  /** That a message is missing from the flight, which is the attack. */
  leaveOut(name: string): void {
    this.#said.push({ what: `(${name} left out)`, attack: true, bytes: 0 });
  }

  #addMessage(item: Extract<Replacement, { kind: "handshake" }>, marked: boolean): void {
    const { msgType, body, transcribed = true, note } = item;
    const messageSeq = this.nextSeq;
    this.nextSeq += 1;
    const name = messageName(msgType);
    const framing = this.#options.framing?.({ name, msgType, messageSeq, body });
    if (transcribed) this.#transcript(framing?.transcribed ?? writeMessage(msgType, messageSeq, body));
    const epoch = this.#records.writeEpoch;
    if (framing === undefined) {
      const room = (this.#options.mtu ?? defaultMtu) - this.#records.overhead;
      for (const unit of unitsOfMessage({ msgType, messageSeq, body }, epoch, room)) this.#put(unit);
    } else {
      for (const fragment of framing.fragments) {
        this.#put({ type: ContentType.handshake, fragment, forgery: { epoch } });
      }
    }
    const attack = marked || framing !== undefined;
    this.#say({ what: name, attack, bytes: body.length, note });
  }

  #put(unit: Unit): void {
    this.#flight.push(unit);
    this.#unsent.push(this.#records.write(unit.type, unit.fragment, unit.forgery));
  }

  #say(said: Said): void {
    this.#said.push(said);
    this.last = said.what;
  }

  /** Sends what was added to the flight since the last time. */
  flush(): void {
    this.#transmit(this.#unsent);
    this.#unsent = [];
    for (const said of this.#said.splice(0)) this.#record(said);
    this.#sentAt = performance.now();
  }

  /** The whole flight again, if it is not sent already just now. */
  again(atLeastMsAgo: number): void {
    if (this.#flight.length === 0 || performance.now() - this.#sentAt < atLeastMsAgo) return;
    this.#transmit(this.#flight.map((unit) => this.#records.write(unit.type, unit.fragment, unit.forgery)));
    this.#record({ what: `${this.last} and what belongs to it`, bytes: 0, note: "sent again" });
    this.#sentAt = performance.now();
  }

  /** One record in a datagram of its own, in no flight. */
  record(type: number, fragment: Uint8Array, forgery: Forgery = {}, saying: Saying = {}): void {
    const what = saying.what ?? describe(type, fragment);
    this.datagram(this.#records.write(type, fragment, forgery), { ...saying, what });
  }

  /** Bytes as they are. */
  datagram(bytes: Uint8Array, saying: Saying & { readonly what: string }): void {
    this.#port.send(bytes);
    this.#record({ ...saying, bytes: bytes.length });
  }

  #transmit(records: readonly Uint8Array[]): void {
    const mtu = this.#options.mtu ?? defaultMtu;
    for (const datagram of datagramsOf(records, mtu)) this.#port.send(datagram);
  }

  #record({ what, bytes, attack, note }: Said): void {
    const { recorder, self, peer } = this.#options;
    const from: Actor = self;
    recorder.step({
      connection: this.#port.connection,
      from,
      to: peer,
      what,
      ...(bytes > 0 && { bytes }),
      ...(attack === true && { attack }),
      ...(note !== undefined && { note }),
    });
  }
}

/** What a record says, for a transcript. */
export function describe(type: number, plaintext: Uint8Array): string {
  if (type === ContentType.alert) return `Alert ${alertName(plaintext[1] ?? 255)}`;
  if (type === ContentType.application_data) return "application data";
  if (type === ContentType.change_cipher_spec) return "ChangeCipherSpec";
  return `record of ${contentTypeName(type)}`;
}
