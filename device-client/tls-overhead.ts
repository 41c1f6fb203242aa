/** What is counted of a TLS connection since its handshake; all of it only grows, `unreadBytes` and `drained` apart. */
export interface TlsCount {
  /** Bytes that came by TCP. */
  readonly wireBytes: number;
  /** Bytes of application data that were read, and the records that they came in. */
  readonly clearBytes: number;
  readonly records: number;
  /** Bytes of application data that wait to be read: in how many records is not known yet. */
  readonly unreadBytes: number;
  /** Nothing waits to be taken by the peer. */
  readonly drained: boolean;
}

export interface TlsOverheadLimits {
  /** Bytes at once, and a second. */
  readonly bytes: number;
  /** Header, nonce, content type and tag of one record, in bytes: see `recordOverhead`. */
  readonly perRecord: number;
}

/**
 * Bounds what a TLS peer sends that is no application data. RFC 8446 §4.6.3: a peer may ask for new keys at any time, and
 * each time is answered, into memory where the peer does not read the answers. Empty records and padding are of the
 * same kind: work, and perhaps memory, for nothing that this end wanted.
 *
 * A bucket: what is on the wire and neither application data nor what a record costs fills it, and it runs empty by
 * `limits.bytes` a second, but only while the peer takes what it is sent. So the answers that wait for
 * a peer that does not read are never more than `limits.bytes` and what came between two looks, however slowly they were
 * asked for. Who sends application data alone adds
 * nothing, in records of whatever size, but for the part of a record that has come so far (RFC 8446 §5.2: 16,640 bytes and the header).
 */
export class TlsOverhead {
  readonly #limits: TlsOverheadLimits;
  #sum: number;
  #at: number;
  #level = 0;

  /** `wireBytes`: what had come by the end of the handshake. */
  constructor(limits: TlsOverheadLimits, wireBytes: number, nowMs: number) {
    this.#limits = limits;
    this.#sum = wireBytes;
    this.#at = nowMs;
  }

  /** Nothing is in the bucket: while no bytes come there is nothing to account for. */
  get isEmpty(): boolean {
    return this.#level === 0;
  }

  /** Accounts for what came since the last look. Returns how much is in the bucket if that is too much. */
  look(
    { wireBytes, clearBytes, records, unreadBytes, drained }: TlsCount,
    nowMs: number,
  ): number | undefined {
    const { bytes, perRecord } = this.#limits;
    const sum = wireBytes - clearBytes - records * perRecord;
    this.#level = Math.max(0, this.#level + sum - this.#sum);
    this.#sum = sum;
    const seconds = Math.max(0, nowMs - this.#at) / 1000;
    this.#at = nowMs;
    // Each byte that is not read yet may have come in a record of its own.
    if (this.#level - unreadBytes * (1 + perRecord) > bytes) return this.#level;
    if (drained) this.#level = Math.max(0, this.#level - seconds * bytes);
    return undefined;
  }
}

/** What a record costs beside its content, in bytes, with the AEADs that are offered. */
export function recordOverhead(protocol: string | null, cipher: string): number {
  const [header, contentType, explicitNonce, tag] = [5, 1, 8, 16];
  // RFC 8446 §5.2: TLSInnerPlaintext ends with its type. RFC 5288 §3: nonce_explicit; RFC 7905 §2 has none.
  if (protocol === "TLSv1.3") return header + contentType + tag;
  return header + tag + (cipher.includes("CHACHA20") ? 0 : explicitNonce);
}
