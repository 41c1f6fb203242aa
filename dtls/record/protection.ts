import { createSecretKey, type KeyObject } from "node:crypto";
import type { DiscardReason } from "../association/outputs.ts";
import { type AeadAlgorithm, decrypt, encryptInto } from "../crypto/aead.ts";
import { DtlsError } from "../errors.ts";
import { putUint16, putUint48 } from "../wire/bytes.ts";
import { maxPlaintextLength, maxSequence, type RawRecord, recordHeaderLength } from "../wire/record.ts";
import { ContentType, ProtocolVersion } from "../wire/registry.ts";
import { ReplayWindow, type ReplayWindowState } from "./replay-window.ts";

/** The keys of one direction in one epoch. */
interface ProtectionOptions {
  readonly aead: AeadAlgorithm;
  readonly key: Uint8Array;
  /** The fixed part of the nonce. */
  readonly iv: Uint8Array;
  readonly epoch: number;
  /** RFC 9146: what the records of this direction carry; undefined or empty: no connection id. */
  readonly connectionId: Uint8Array | undefined;
}

export interface SealerOptions extends ProtectionOptions {
  /** Of the next record; 0 if left out. */
  readonly sequence?: number;
  /** Of records before that one: what the limit of the cipher counts. */
  readonly sealedBytes?: number;
}

export interface OpenerOptions extends ProtectionOptions {
  readonly window?: ReplayWindowState;
  /** Records that failed authentication so far. */
  readonly failures?: number;
}

/** Everything of a Sealer but the algorithm, as plain data. It holds the key. */
export type SealerState = Required<Omit<SealerOptions, "aead">>;
/** Everything of an Opener but the algorithm, as plain data. It holds the key. */
export type OpenerState = Required<Omit<OpenerOptions, "aead">>;

/** What was in a record. */
export interface Opened {
  readonly type: number;
  /** Memory of its own, not the datagram's. */
  readonly plaintext: Uint8Array;
  /** RFC 9146 §6: newer than every record before it, so that it may move the peer's address. */
  readonly isNewest: boolean;
}

/**
 * Protects records of one direction and epoch.
 *
 * RFC 6347 §4.1.2.1, RFC 5246 §6.2.3.3
 *     additional_data = epoch + sequence_number + type + version + length
 * RFC 9146 §5.3, with a connection id
 *     additional_data = seq_num_placeholder + tls12_cid + cid_length + tls12_cid + version +
 *                       epoch + sequence_number + cid + length_of_DTLSInnerPlaintext
 */
export class Sealer {
  /** How many bytes a record is longer than what is in it. */
  readonly overhead: number;
  readonly #aead: AeadAlgorithm;
  readonly #key: KeyObject;
  readonly #nonceBase: NonceBase;
  readonly #epoch: number;
  readonly #connectionId: Uint8Array | undefined;
  #sequence: number;
  #sealedBytes: number;

  constructor(options: SealerOptions) {
    const { aead } = options;
    this.#aead = aead;
    this.#key = keyObject(options);
    this.#nonceBase = nonceBase(options);
    this.#epoch = options.epoch;
    this.#connectionId = nonEmpty(options.connectionId);
    this.#sequence = options.sequence ?? 0;
    this.#sealedBytes = options.sealedBytes ?? 0;
    const connectionIdLength = this.#connectionId?.length ?? 0;
    this.overhead =
      recordHeaderLength +
      aead.explicitNonceLength +
      aead.tagLength +
      (connectionIdLength === 0 ? 0 : connectionIdLength + 1);
  }

  static import(aead: AeadAlgorithm, state: SealerState): Sealer {
    return new Sealer({ ...state, aead });
  }

  /** Of the next record. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The whole record, header included. Takes one sequence number. */
  seal(type: number, plaintext: Uint8Array): Uint8Array {
    const aead = this.#aead;
    const connectionId = this.#connectionId;
    const sequence = this.#sequence;
    const innerLength = connectionId === undefined ? plaintext.length : plaintext.length + 1;
    // RFC 5246 §6.2.1; RFC 9146 §5: the type inside counts.
    if (innerLength > maxPlaintextLength) throw new RangeError(`${plaintext.length} bytes in one record`);
    // RFC 6347 §4.1: a sequence number never wraps, since a nonce used twice gives the key away (F3).
    if (sequence > maxSequence) {
      throw new DtlsError("DTLS_SEQUENCE_EXHAUSTED", "all sequence numbers of this epoch are used");
    }
    // Counted in bytes, for the limit is one on blocks: a short record uses up less of it than a long one.
    this.#sealedBytes += plaintext.length + sealedBytesPerRecord;
    if (this.#sealedBytes > aead.sealLimit * maxPlaintextLength) {
      throw new DtlsError("DTLS_SEQUENCE_EXHAUSTED", `the limit of ${aead.name} for one key is reached`);
    }
    this.#sequence = sequence + 1;

    const record = Buffer.allocUnsafe(this.overhead + plaintext.length);
    const lengthAt = connectionId === undefined ? 11 : 11 + connectionId.length;
    record[0] = connectionId === undefined ? type : ContentType.tls12_cid;
    putUint16(record, 1, ProtocolVersion.DTLS_1_2);
    putUint16(record, 3, this.#epoch);
    putUint48(record, 5, sequence);
    if (connectionId !== undefined) record.set(connectionId, 11);
    putUint16(record, lengthAt, record.length - lengthAt - 2);

    let at = lengthAt + 2;
    writeNonce(this.#nonceBase, this.#epoch, sequence);
    if (aead.explicitNonceLength === 8) {
      // Never random: RFC 5288 §3 leaves it open, but a counter cannot come twice (F2).
      putUint16(record, at, this.#epoch);
      putUint48(record, at + 2, sequence);
      at += 8;
    }
    if (connectionId === undefined) {
      const data = additionalData(type, this.#epoch, sequence, innerLength);
      encryptInto(aead, this.#key, nonce, data, plaintext, record, at);
    } else {
      // The inner plaintext is put together where the ciphertext will be.
      record.set(plaintext, at);
      record[at + plaintext.length] = type;
      const data = additionalDataWithConnectionId(connectionId, this.#epoch, sequence, innerLength);
      encryptInto(aead, this.#key, nonce, data, record.subarray(at, at + innerLength), record, at);
    }
    return record;
  }

  /** Ends this sealer: the same numbers under the same key in two places would repeat nonces. */
  exportState(): SealerState {
    const state = {
      key: this.#key.export(),
      iv: ivOf(this.#nonceBase, this.#aead.fixedIvLength),
      epoch: this.#epoch,
      connectionId: this.#connectionId,
      sequence: this.#sequence,
      sealedBytes: this.#sealedBytes,
    };
    this.#sequence = maxSequence + 1;
    return state;
  }
}

/** Opens records of one direction and epoch, each of them once. */
export class Opener {
  readonly #aead: AeadAlgorithm;
  readonly #key: KeyObject;
  readonly #nonceBase: NonceBase;
  readonly #epoch: number;
  readonly #connectionId: Uint8Array | undefined;
  readonly #window: ReplayWindow;
  #failures: number;

  constructor(options: OpenerOptions) {
    this.#aead = options.aead;
    this.#key = keyObject(options);
    this.#nonceBase = nonceBase(options);
    this.#epoch = options.epoch;
    this.#connectionId = nonEmpty(options.connectionId);
    this.#window = new ReplayWindow(options.window);
    this.#failures = options.failures ?? 0;
  }

  static import(aead: AeadAlgorithm, state: OpenerState): Opener {
    return new Opener({ ...state, aead });
  }

  /** Records that failed authentication so far. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * What is in the record, or why it is thrown away. The one error is DTLS_SEQUENCE_EXHAUSTED, when more records failed
   * than the cipher can bear: the association has to end.
   */
  open(record: RawRecord): Opened | DiscardReason {
    const aead = this.#aead;
    const connectionId = this.#connectionId;
    const { epoch, sequence, fragment } = record;
    if (record.version !== ProtocolVersion.DTLS_1_2) return "wrong_version";
    if (epoch !== this.#epoch) return "unknown_epoch";
    if (connectionId === undefined) {
      if (record.type === ContentType.tls12_cid) return "wrong_connection_id";
    } else if (record.type !== ContentType.tls12_cid) {
      // RFC 9146 §3: with a connection id, every protected record has it (C4).
      return "missing_connection_id";
    } else if (record.connectionId === undefined || !sameBytes(record.connectionId, connectionId)) {
      return "wrong_connection_id";
    }
    const length = fragment.length - aead.explicitNonceLength - aead.tagLength;
    if (length < 0) return "malformed_record";
    // RFC 5246 §6.2.1 and RFC 9146 §5: 2^14 before protection. §6.2.3 would let 2048 bytes be added; an AEAD adds 24.
    if (length > maxPlaintextLength) return "record_too_large";
    const window = this.#window;
    if (!window.accepts(sequence)) return "replayed";
    if (this.#failures > aead.openFailureLimit) throw tooManyFailures(aead);

    writeNonce(this.#nonceBase, epoch, sequence);
    // RFC 5288 §3: the sender chooses the explicit part, the counter or something else, and it is on the wire.
    if (aead.explicitNonceLength === 8) copyInto(nonce, 4, fragment, 0, 8);
    const data =
      connectionId === undefined
        ? additionalData(record.type, epoch, sequence, length)
        : additionalDataWithConnectionId(connectionId, epoch, sequence, length);
    const tagAt = aead.explicitNonceLength + length;
    const ciphertext = fragment.subarray(aead.explicitNonceLength, tagAt);
    const tag = aead.tagLength === 16 ? tag16 : tag8;
    copyInto(tag, 0, fragment, tagAt, aead.tagLength);
    const plaintext = decrypt(aead, this.#key, nonce, data, ciphertext, tag);
    if (plaintext === undefined) {
      this.#failures++;
      // RFC 9147 §4.5.3: failures are counted, for each of them was a chance to forge a record (F6).
      if (this.#failures > aead.openFailureLimit) throw tooManyFailures(aead);
      return "bad_record_mac";
    }
    // Only now: RFC 6347 §4.1.2.6 (F1).
    const isNewest = sequence > window.newest;
    window.mark(sequence);
    if (connectionId === undefined) return { type: record.type, plaintext, isNewest };
    return readInnerPlaintext(plaintext, isNewest);
  }

  exportState(): OpenerState {
    return {
      key: this.#key.export(),
      iv: ivOf(this.#nonceBase, this.#aead.fixedIvLength),
      epoch: this.#epoch,
      connectionId: this.#connectionId,
      window: this.#window.exportState(),
      failures: this.#failures,
    };
  }
}

/**
 * RFC 9146 §4
 *     struct {
 *         opaque content[length];
 *         ContentType real_type;
 *         uint8 zeros[length_of_padding];
 *     } DTLSInnerPlaintext;
 */
function readInnerPlaintext(inner: Uint8Array, isNewest: boolean): Opened | DiscardReason {
  let typeAt = inner.length - 1;
  while (typeAt >= 0 && inner[typeAt] === 0) typeAt--;
  const type = inner[typeAt];
  // Nothing but zeros: there is no type (RFC 8446 §5.4, to which RFC 9146 §4 points).
  if (type === undefined) return "malformed_record";
  return { type, plaintext: inner.subarray(0, typeAt), isNewest };
}

/**
 * The fixed part of the nonce as three int32 rather than bytes: an association keeps two of these for as long as it
 * lives. With 4 fixed bytes only `first` is used.
 */
interface NonceBase {
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

// Used within one synchronous call, and so shared by all associations.
const nonce = new Uint8Array(12);
const nonceView = new DataView(nonce.buffer);
const tag8 = new Uint8Array(8);
const tag16 = new Uint8Array(16);
const plainAdditionalData = new Uint8Array(13);
const additionalDataByLength: (Uint8Array | undefined)[] = [];

/** What a record costs of the cipher's limit beside its content: its additional data, and one block for the tag. */
const sealedBytesPerRecord = 64;

/**
 * RFC 5288 §3, RFC 6655 §3: salt + explicit nonce, here the 64 bits of epoch and sequence number.
 * RFC 7905 §2: those 64 bits, padded to the left, XOR the IV.
 */
function writeNonce(base: NonceBase, epoch: number, sequence: number): void {
  const high = Math.floor(sequence / 2 ** 32);
  nonceView.setInt32(0, base.first);
  nonceView.setInt32(4, base.second ^ ((epoch << 16) | high));
  nonceView.setInt32(8, base.third ^ sequence);
}

function additionalData(type: number, epoch: number, sequence: number, length: number): Uint8Array {
  const data = plainAdditionalData;
  putUint16(data, 0, epoch);
  putUint48(data, 2, sequence);
  data[8] = type;
  putUint16(data, 9, ProtocolVersion.DTLS_1_2);
  putUint16(data, 11, length);
  return data;
}

function additionalDataWithConnectionId(
  connectionId: Uint8Array,
  epoch: number,
  sequence: number,
  length: number,
): Uint8Array {
  const data = (additionalDataByLength[connectionId.length] ??= emptyAdditionalData(connectionId.length));
  putUint16(data, 13, epoch);
  putUint48(data, 15, sequence);
  copyInto(data, 21, connectionId, 0, connectionId.length);
  putUint16(data, 21 + connectionId.length, length);
  return data;
}

function emptyAdditionalData(connectionIdLength: number): Uint8Array {
  const data = new Uint8Array(23 + connectionIdLength);
  data.fill(0xff, 0, 8);
  data[8] = ContentType.tls12_cid;
  data[9] = connectionIdLength;
  data[10] = ContentType.tls12_cid;
  putUint16(data, 11, ProtocolVersion.DTLS_1_2);
  return data;
}

function keyObject({ aead, key }: ProtectionOptions): KeyObject {
  if (key.length !== aead.keyLength) throw new RangeError(`a key of ${key.length} bytes for ${aead.name}`);
  return createSecretKey(key);
}

function nonceBase({ aead, iv }: ProtectionOptions): NonceBase {
  if (iv.length !== aead.fixedIvLength) throw new RangeError(`an IV of ${iv.length} bytes for ${aead.name}`);
  const padded = new DataView(new ArrayBuffer(12));
  iv.forEach((byte, index) => {
    padded.setUint8(index, byte);
  });
  return { first: padded.getInt32(0), second: padded.getInt32(4), third: padded.getInt32(8) };
}

function ivOf(base: NonceBase, length: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setInt32(0, base.first);
  view.setInt32(4, base.second);
  view.setInt32(8, base.third);
  return new Uint8Array(view.buffer, 0, length);
}

function nonEmpty(connectionId: Uint8Array | undefined): Uint8Array | undefined {
  if (connectionId === undefined || connectionId.length === 0) return undefined;
  // RFC 9146 §3: opaque cid<0..2^8-1>.
  if (connectionId.length > 255) throw new RangeError(`a connection id of ${connectionId.length} bytes`);
  return connectionId;
}

/** For a few bytes this is cheaper than a view and a call of `set`. */
function copyInto(to: Uint8Array, toAt: number, from: Uint8Array, fromAt: number, length: number): void {
  for (let index = 0; index < length; index++) to[toAt + index] = from[fromAt + index] ?? 0;
}

/** Connection ids are no secrets: they are sent in the clear. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

function tooManyFailures(aead: AeadAlgorithm): DtlsError {
  return new DtlsError(
    "DTLS_SEQUENCE_EXHAUSTED",
    `more than ${aead.openFailureLimit} records failed authentication with one key of ${aead.name}`,
  );
}
