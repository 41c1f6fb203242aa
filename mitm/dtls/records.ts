import { keyBlock, type TrafficKey } from "../../dtls/crypto/prf.ts";
import type { Suite } from "../../dtls/crypto/suites.ts";
import { type Opened, Opener, Sealer } from "../../dtls/record/protection.ts";
import { putUint16 } from "../../dtls/wire/bytes.ts";
import { maxSequence, type RawRecord, readRecord, writePlaintextRecord } from "../../dtls/wire/record.ts";
import { ContentType } from "../../dtls/wire/registry.ts";
import type { Tolerance } from "./tolerance.ts";
import { openUnverified } from "./unverified.ts";

/** A record as it was understood. */
export interface ReadRecord {
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly plaintext: Uint8Array;
  /** RFC 9146 §6: it is the newest so far, was authenticated, and has a connection id: the peer may have moved. */
  readonly provesAddress: boolean;
}

/** A record, or why it is none that counts. */
export type Reading =
  | { readonly kind: "record"; readonly record: ReadRecord }
  | { readonly kind: "discarded"; readonly why: string };

export interface KeySource {
  readonly suite: Suite;
  readonly masterSecret: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly serverRandom: Uint8Array;
  /** What the peer wants to find on what is sent to it, and what this end wants to find. */
  readonly sendConnectionId: Uint8Array | undefined;
  readonly receiveConnectionId: Uint8Array | undefined;
}

/** How a record is to be wrong. */
export interface Forgery {
  /** Default: the epoch that this end writes. Any epoch but 0 is sealed with the keys of this session. */
  readonly epoch?: number | undefined;
  /** Default: the next. */
  readonly sequence?: number | undefined;
  /** Applied to what was sealed, header included. */
  readonly corrupt?: ((record: Uint8Array) => Uint8Array) | undefined;
}

/**
 * The record layer of one end: it seals with real keys in any epoch and with any number, and opens what comes as
 * strictly as it is told to.
 */
export class RecordLayer {
  readonly #role: "client" | "server";
  readonly #tolerance: Tolerance;
  #source: KeySource | undefined;
  #write: TrafficKey | undefined;
  #read: TrafficKey | undefined;
  readonly #sealers = new Map<number, Sealer>();
  readonly #openers = new Map<number, Opener>();
  #plaintextSequence = 0;
  /** The connection ids of this end are so long; with 0 no tls12_cid record is read. */
  connectionIdLength = 0;
  readEpoch = 0;
  writeEpoch = 0;
  /** The highest sequence number that was authenticated. */
  #newest = -1;

  constructor(role: "client" | "server", tolerance: Tolerance) {
    this.#role = role;
    this.#tolerance = tolerance;
  }

  get hasKeys(): boolean {
    return this.#source !== undefined;
  }

  /** RFC 6347 §4.2.1: a server answers under the number of the ClientHello's record. */
  continueAt(sequence: number): void {
    this.#plaintextSequence = Math.max(this.#plaintextSequence, sequence);
  }

  install(source: KeySource): void {
    const keys = keyBlock(source.suite, source.masterSecret, source.clientRandom, source.serverRandom);
    const [own, peer] = this.#role === "client" ? [keys.client, keys.server] : [keys.server, keys.client];
    this.#source = source;
    this.#write = own;
    this.#read = peer;
    this.#sealers.clear();
    this.#openers.clear();
    this.connectionIdLength = source.receiveConnectionId?.length ?? 0;
  }

  /** How much longer than its content a record of the present epoch is. */
  get overhead(): number {
    return this.writeEpoch === 0 ? 13 : this.#sealer(this.writeEpoch).overhead;
  }

  /** A whole record; protected as its epoch says. */
  write(type: number, fragment: Uint8Array, forgery: Forgery = {}): Uint8Array {
    const epoch = forgery.epoch ?? this.writeEpoch;
    const record = this.#written(type, fragment, epoch, forgery.sequence);
    return forgery.corrupt?.(record) ?? record;
  }

  #written(type: number, fragment: Uint8Array, epoch: number, sequence: number | undefined): Uint8Array {
    if (epoch === 0 || !this.hasKeys) {
      const record = writePlaintextRecord(type, sequence ?? this.#plaintextSequence, fragment);
      if (sequence === undefined) this.#plaintextSequence += 1;
      putUint16(record, 3, epoch);
      return record;
    }
    const sealer = sequence === undefined ? this.#sealer(epoch) : this.#makeSealer(epoch, sequence);
    return sealer.seal(type, fragment);
  }

  /** Walks through the records of a datagram, each understood by what the state is when its turn comes. */
  *read(datagram: Uint8Array): Generator<Reading> {
    for (let offset = 0; offset < datagram.length; ) {
      const raw = readRecord(datagram, offset, this.connectionIdLength);
      if (raw === undefined) {
        yield { kind: "discarded", why: "a record that is longer than its datagram" };
        return;
      }
      offset += raw.bytes.length;
      yield this.#reading(raw);
    }
  }

  #reading(raw: RawRecord): Reading {
    const { epoch, sequence } = raw;
    if (epoch === 0) {
      const { type, fragment } = raw;
      const plaintext = Uint8Array.from(fragment);
      return { kind: "record", record: { type, epoch, sequence, plaintext, provesAddress: false } };
    }
    if (epoch !== this.readEpoch && !(this.readEpoch > 0 && this.#tolerance.lacks("epoch-not-checked"))) {
      return { kind: "discarded", why: `epoch ${epoch}` };
    }
    if (!this.hasKeys) return { kind: "discarded", why: "no keys yet" };
    const wraps = this.#newest === maxSequence && this.#tolerance.lacks("sequence-number-wraps");
    if (wraps || this.#tolerance.lacks("replay-window-missing")) this.#openers.delete(epoch);
    const opened = this.#opened(raw);
    if (typeof opened === "string") return { kind: "discarded", why: opened };
    const isNewest = opened.isNewest && sequence > this.#newest;
    this.#newest = wraps ? sequence : Math.max(sequence, this.#newest);
    const moves = isNewest || this.#tolerance.lacks("cid-moves-on-old-record");
    const provesAddress = moves && raw.type === ContentType.tls12_cid;
    const { type, plaintext } = opened;
    return { kind: "record", record: { type, epoch, sequence, plaintext, provesAddress } };
  }

  #opened(raw: RawRecord): Opened | string {
    const { epoch } = raw;
    const withoutId = this.#tolerance.lacks("cid-not-required") && raw.type !== ContentType.tls12_cid;
    if (withoutId && this.#source?.receiveConnectionId !== undefined) return this.#openedAsIfWithId(raw);
    if (!this.#tolerance.lacks("record-mac-not-verified") || this.#source === undefined || !this.#read) {
      return this.#opener(epoch).open(raw);
    }
    const opened = this.#opener(epoch).open(raw);
    return opened === "bad_record_mac" ? openUnverified(raw, this.#source.suite.aead, this.#read) : opened;
  }

  /** A record that lost its connection id on the way is what it was with it, or was made without one. */
  #openedAsIfWithId(raw: RawRecord): Opened | string {
    const connectionId = this.#source?.receiveConnectionId;
    const opened = this.#opener(raw.epoch).open({ ...raw, type: ContentType.tls12_cid, connectionId });
    return typeof opened === "string" ? this.#makeOpener(raw.epoch, undefined).open(raw) : opened;
  }

  #sealer(epoch: number): Sealer {
    let sealer = this.#sealers.get(epoch);
    if (sealer === undefined) {
      sealer = this.#makeSealer(epoch, 0);
      this.#sealers.set(epoch, sealer);
    }
    return sealer;
  }

  #makeSealer(epoch: number, sequence: number): Sealer {
    if (this.#source === undefined || this.#write === undefined) throw new Error("no keys to seal with");
    const { suite, sendConnectionId: connectionId } = this.#source;
    return new Sealer({ aead: suite.aead, ...this.#write, epoch, connectionId, sequence });
  }

  #opener(epoch: number): Opener {
    let opener = this.#openers.get(epoch);
    if (opener === undefined) {
      opener = this.#makeOpener(epoch, this.#source?.receiveConnectionId);
      this.#openers.set(epoch, opener);
    }
    return opener;
  }

  #makeOpener(epoch: number, connectionId: Uint8Array | undefined): Opener {
    if (this.#source === undefined || this.#read === undefined) throw new Error("no keys to open with");
    return new Opener({ aead: this.#source.suite.aead, ...this.#read, epoch, connectionId });
  }
}
