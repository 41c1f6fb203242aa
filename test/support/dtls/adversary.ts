import { hash } from "node:crypto";
import { extendedMasterSecret, keyBlock, verifyData } from "../../../dtls/crypto/prf.ts";
import type { Suite } from "../../../dtls/crypto/suites.ts";
import { Opener, Sealer } from "../../../dtls/record/protection.ts";
import { Alert } from "../../../dtls/wire/alert.ts";
import { Finished } from "../../../dtls/wire/finished.ts";
import { readFragments, writeMessage } from "../../../dtls/wire/handshake.ts";
import { encode } from "../../../dtls/wire/presentation.ts";
import { readRecord, writePlaintextRecord } from "../../../dtls/wire/record.ts";
import { ContentType, HandshakeType } from "../../../dtls/wire/registry.ts";
import type { Prng } from "../../../mitm/prng.ts";

export interface HeardMessage {
  readonly msgType: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
  readonly epoch: number;
}

export interface HeardRecord {
  readonly type: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly plaintext: Uint8Array;
}

export interface MessageOptions {
  /** Default: the next number, which is then used up. */
  readonly messageSeq?: number;
  /** Default: that of the message in a right handshake. */
  readonly epoch?: 0 | 1;
  /** Whether it goes into the transcript of the adversary. Default: where it has the next number. */
  readonly transcribed?: boolean;
}

/**
 * One side of DTLS 1.2 without a conscience: every message is made on its own, in any order and number and with real
 * keys as far as they can be known, so that a handshake can go wrong in one point and be right in all others.
 *
 * Each method answers a datagram of one record. Nothing is fragmented, lost or sent again.
 */
export abstract class Adversary {
  abstract readonly role: "client" | "server";
  readonly prng: Prng;
  readonly random: Uint8Array;
  suite: Suite;
  peerRandom: Uint8Array | undefined;
  /** What the peer said, in its order. */
  readonly heard: HeardMessage[] = [];
  readonly heardRecords: HeardRecord[] = [];
  /** RFC 6347 §4.2.6: messages of both sides, each as if in one fragment. */
  transcript: Uint8Array[] = [];
  sendSeq = 0;
  /** Of the next record of epoch 0. */
  recordSequence = 0;
  masterSecret: Uint8Array | undefined;
  /** On what we seal: the id that the peer asked for. */
  peerConnectionId: Uint8Array | undefined;
  ownConnectionId: Uint8Array | undefined;
  sealer: Sealer | undefined;
  opener: Opener | undefined;
  readonly #partial = new Map<number, { msgType: number; body: Uint8Array; have: number }>();
  #nextHeard = 0;

  constructor(suite: Suite, prng: Prng) {
    this.suite = suite;
    this.prng = prng;
    this.random = prng.bytes(32);
  }

  /** What a message of the peer means to this side. */
  protected abstract learn(message: HeardMessage): void;

  hear(datagrams: readonly Uint8Array[]): this {
    for (const datagram of datagrams) this.#hearDatagram(datagram);
    return this;
  }

  /** The types of the messages heard so far. */
  get heardTypes(): number[] {
    return this.heard.map(({ msgType }) => msgType);
  }

  message(msgType: number, body: Uint8Array, options: MessageOptions = {}): Uint8Array {
    const messageSeq = options.messageSeq ?? this.sendSeq;
    if (options.messageSeq === undefined) this.sendSeq += 1;
    const bytes = writeMessage(msgType, messageSeq, body);
    if (options.transcribed ?? options.messageSeq === undefined) this.transcript.push(bytes);
    return this.record(ContentType.handshake, bytes, options.epoch ?? 0);
  }

  record(type: number, fragment: Uint8Array, epoch: 0 | 1): Uint8Array {
    if (epoch === 1) return this.#sealing().seal(type, fragment);
    const sequence = this.recordSequence;
    this.recordSequence += 1;
    return writePlaintextRecord(type, sequence, fragment);
  }

  changeCipherSpec(epoch: 0 | 1 = 0): Uint8Array {
    return this.record(ContentType.change_cipher_spec, Uint8Array.of(1), epoch);
  }

  /** RFC 5246 §7.4.9. `verifyData`: something else in its place. */
  finished(options: MessageOptions & { readonly verifyData?: Uint8Array } = {}): Uint8Array {
    const body = encode(Finished, { verifyData: options.verifyData ?? this.verifyData() });
    return this.message(HandshakeType.finished, body, { epoch: 1, ...options });
  }

  applicationData(data: Uint8Array, epoch: 0 | 1 = 1): Uint8Array {
    return this.record(ContentType.application_data, data, epoch);
  }

  alert(level: number, description: number, epoch: 0 | 1): Uint8Array {
    return this.record(ContentType.alert, encode(Alert, { level, description }), epoch);
  }

  helloRequest(options: MessageOptions = {}): Uint8Array {
    // RFC 5246 §7.4.1.1: in no transcript.
    return this.message(HandshakeType.hello_request, new Uint8Array(), { transcribed: false, ...options });
  }

  verifyData(): Uint8Array {
    const master = this.masterSecret ?? new Uint8Array(48);
    return verifyData(this.suite.prfHash, master, this.role, this.transcriptHash());
  }

  transcriptHash(): Uint8Array {
    return hash(this.suite.prfHash, Buffer.concat(this.transcript), "buffer");
  }

  /** RFC 7627 §4: the master secret of the transcript as it is now, and the keys from it. */
  derive(premasterSecret: Uint8Array): void {
    this.useMasterSecret(extendedMasterSecret(this.suite.prfHash, premasterSecret, this.transcriptHash()));
  }

  useMasterSecret(masterSecret: Uint8Array): void {
    this.masterSecret = masterSecret;
    const peerRandom = this.peerRandom ?? new Uint8Array(32);
    const [client, server] = this.role === "client" ? [this.random, peerRandom] : [peerRandom, this.random];
    const keys = keyBlock(this.suite, masterSecret, client, server);
    const [own, peer] = this.role === "client" ? [keys.client, keys.server] : [keys.server, keys.client];
    const { aead } = this.suite;
    this.sealer = new Sealer({ aead, ...own, epoch: 1, connectionId: this.peerConnectionId });
    this.opener = new Opener({ aead, ...peer, epoch: 1, connectionId: this.ownConnectionId });
  }

  /** Before keys can be known, something that nobody can open. */
  #sealing(): Sealer {
    if (this.sealer === undefined) {
      const { aead } = this.suite;
      const key = this.prng.bytes(aead.keyLength);
      const iv = this.prng.bytes(aead.fixedIvLength);
      this.sealer = new Sealer({ aead, key, iv, epoch: 1, connectionId: this.peerConnectionId });
    }
    return this.sealer;
  }

  #hearDatagram(datagram: Uint8Array): void {
    const idLength = this.ownConnectionId?.length ?? 0;
    for (let offset = 0; offset < datagram.length; ) {
      const record = readRecord(datagram, offset, idLength);
      if (record === undefined) return;
      offset += record.bytes.length;
      const { epoch, sequence } = record;
      if (epoch === 0) {
        this.#hearRecord({ type: record.type, epoch, sequence, plaintext: Uint8Array.from(record.fragment) });
      } else {
        const opened = this.opener?.open(record);
        if (opened === undefined || typeof opened === "string") continue;
        this.#hearRecord({
          type: opened.type,
          epoch,
          sequence,
          plaintext: Uint8Array.from(opened.plaintext),
        });
      }
    }
  }

  #hearRecord(record: HeardRecord): void {
    this.heardRecords.push(record);
    if (record.type !== ContentType.handshake) return;
    for (const { msgType, messageSeq, length, fragmentOffset, body } of readFragments(record.plaintext)) {
      if (msgType === HandshakeType.hello_verify_request) {
        // Outside of the association's numbers: it has that of the ClientHello that it answers.
        this.#take({ msgType, messageSeq, body, epoch: record.epoch });
        continue;
      }
      if (msgType === HandshakeType.server_hello && this.peerRandom === undefined) {
        this.#nextHeard = messageSeq;
      }
      if (messageSeq < this.#nextHeard) continue;
      let partial = this.#partial.get(messageSeq);
      if (partial === undefined) {
        partial = { msgType, body: new Uint8Array(length), have: 0 };
        this.#partial.set(messageSeq, partial);
      }
      // Datagrams come in order here, so that what is had grows from the front.
      partial.body.set(body, fragmentOffset);
      partial.have = Math.max(partial.have, fragmentOffset + body.length);
      this.#deliver(record.epoch);
    }
  }

  #deliver(epoch: number): void {
    for (;;) {
      const messageSeq = this.#nextHeard;
      const next = this.#partial.get(messageSeq);
      if (next === undefined || next.have < next.body.length) return;
      this.#partial.delete(messageSeq);
      this.#nextHeard += 1;
      this.#take({ msgType: next.msgType, messageSeq, body: next.body, epoch });
    }
  }

  #take(message: HeardMessage): void {
    const { msgType, messageSeq, body } = message;
    this.heard.push(message);
    if (msgType !== HandshakeType.hello_request)
      this.transcript.push(writeMessage(msgType, messageSeq, body));
    this.learn(message);
  }
}
