import { createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { type AeadAlgorithm, decrypt, encryptInto } from "../../dtls/crypto/aead.ts";
import { putUint16, putUint48 } from "../../dtls/wire/bytes.ts";
import { ContentType, ProtocolVersion, type TlsVersion } from "./numbers.ts";

export const recordHeaderLength = 5;

export interface OpenedRecord {
  readonly type: number;
  readonly fragment: Uint8Array;
}

/** A record in clear. */
export function plaintextRecord(
  type: number,
  fragment: Uint8Array,
  version: number = ProtocolVersion.TLS_1_2,
) {
  const record = new Uint8Array(recordHeaderLength + fragment.length);
  writeHeader(record, type, version, fragment.length);
  record.set(fragment, recordHeaderLength);
  return record;
}

/** What protects one direction: RFC 8446 §5.2 and §5.3; RFC 5246 §6.2.3.3 with RFC 5288 §3 or RFC 7905 §2. */
export class RecordKeys {
  readonly version: TlsVersion;
  readonly aead: AeadAlgorithm;
  /** Of the next record; may be set, to repeat or to leave out numbers. */
  sequence = 0;
  readonly #key: KeyObject;
  readonly #keyBytes: Uint8Array;
  readonly #iv: Uint8Array;

  constructor(version: TlsVersion, aead: AeadAlgorithm, key: Uint8Array, iv: Uint8Array) {
    this.version = version;
    this.aead = aead;
    this.#key = createSecretKey(key);
    this.#keyBytes = key;
    this.#iv = iv;
  }

  /** A whole record, header included. `padding`: zeros after the content, in TLS 1.3 alone (RFC 8446 §5.4). */
  seal(type: number, fragment: Uint8Array, padding = 0): Uint8Array {
    const sequence = this.sequence;
    this.sequence += 1;
    const { explicitNonceLength, tagLength } = this.aead;
    const nonce = this.#nonce(sequence);
    if (this.version === "TLS 1.3") {
      const inner = new Uint8Array(fragment.length + 1 + padding);
      inner.set(fragment);
      inner[fragment.length] = type;
      const record = new Uint8Array(recordHeaderLength + inner.length + tagLength);
      writeHeader(
        record,
        ContentType.application_data,
        ProtocolVersion.TLS_1_2,
        record.length - recordHeaderLength,
      );
      const data = record.subarray(0, recordHeaderLength);
      encryptInto(this.aead, this.#key, nonce, data, inner, record, recordHeaderLength);
      return record;
    }
    const length = explicitNonceLength + fragment.length + tagLength;
    const record = new Uint8Array(recordHeaderLength + length);
    writeHeader(record, type, ProtocolVersion.TLS_1_2, length);
    if (explicitNonceLength === 8) putUint48(record, recordHeaderLength + 2, sequence);
    const data = additionalData12(sequence, type, fragment.length);
    encryptInto(
      this.aead,
      this.#key,
      nonce,
      data,
      fragment,
      record,
      recordHeaderLength + explicitNonceLength,
    );
    return record;
  }

  /**
   * What is in the record, or undefined where it cannot be authenticated. The sequence number moves on only if it was.
   * `unverified`: the tag is not looked at.
   */
  open(
    record: Uint8Array,
    options: { unverified?: boolean; sequence?: number } = {},
  ): OpenedRecord | undefined {
    const sequence = options.sequence ?? this.sequence;
    const { explicitNonceLength, tagLength } = this.aead;
    const explicit = this.version === "TLS 1.3" ? 0 : explicitNonceLength;
    const length = record.length - recordHeaderLength - explicit - tagLength;
    if (length < 0) return undefined;
    const type = record[0] ?? 0;
    const start = recordHeaderLength + explicit;
    const nonce = this.#nonce(sequence);
    // RFC 5288 §3: the sender chooses the explicit part.
    if (explicit > 0) nonce.set(record.subarray(recordHeaderLength, start), 4);
    const data =
      this.version === "TLS 1.3"
        ? record.subarray(0, recordHeaderLength)
        : additionalData12(sequence, type, length);
    const ciphertext = record.subarray(start, start + length);
    const plaintext =
      options.unverified === true
        ? this.#decryptOnly(nonce, ciphertext)
        : decrypt(this.aead, this.#key, nonce, data, ciphertext, record.subarray(start + length));
    if (plaintext === undefined) return undefined;
    if (options.sequence === undefined) this.sequence = sequence + 1;
    if (this.version === "TLS 1.2") return { type, fragment: plaintext };
    let typeAt = plaintext.length - 1;
    while (typeAt >= 0 && plaintext[typeAt] === 0) typeAt -= 1;
    // RFC 8446 §5.4: no type at all, if there is nothing but zeros; 0 is "invalid" in the registry.
    return { type: plaintext[typeAt] ?? 0, fragment: plaintext.subarray(0, Math.max(0, typeAt)) };
  }

  /** The stream ciphers under the AEADs give their plaintext without the tag; CCM does not. */
  #decryptOnly(nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const { aead } = this;
    if (aead.mode === "ccm") return undefined;
    if (aead.mode === "gcm") {
      return createDecipheriv(aead.cipher, this.#keyBytes, nonce, { authTagLength: 16 }).update(ciphertext);
    }
    return createDecipheriv(aead.cipher, this.#keyBytes, nonce, { authTagLength: 16 }).update(ciphertext);
  }

  #nonce(sequence: number): Uint8Array {
    const nonce = new Uint8Array(12);
    putUint48(nonce, 6, sequence);
    if (this.version === "TLS 1.2" && this.aead.explicitNonceLength === 8) {
      nonce.set(this.#iv.subarray(0, 4));
      return nonce;
    }
    for (let index = 0; index < 12; index += 1) nonce[index] = (nonce[index] ?? 0) ^ (this.#iv[index] ?? 0);
    return nonce;
  }
}

function writeHeader(record: Uint8Array, type: number, version: number, length: number): void {
  record[0] = type;
  putUint16(record, 1, version);
  putUint16(record, 3, length);
}

/** RFC 5246 §6.2.3.3: seq_num + TLSCompressed.type + TLSCompressed.version + TLSCompressed.length */
function additionalData12(sequence: number, type: number, length: number): Uint8Array {
  const data = new Uint8Array(13);
  putUint48(data, 2, sequence);
  data[8] = type;
  putUint16(data, 9, ProtocolVersion.TLS_1_2);
  putUint16(data, 11, length);
  return data;
}
