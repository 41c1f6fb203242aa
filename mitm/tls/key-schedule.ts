import { createHmac, hash } from "node:crypto";
import type { PrfHash } from "../../dtls/crypto/suites.ts";
import { encode, opaque, struct, uint16 } from "../../dtls/wire/presentation.ts";
import { RecordKeys } from "./record-keys.ts";
import type { Suite13 } from "./suites.ts";

const nothing = new Uint8Array();

/**
 * RFC 8446 §7.1
 *     struct {
 *         uint16 length = Length;
 *         opaque label<7..255> = "tls13 " + Label;
 *         opaque context<0..255> = Context;
 *     } HkdfLabel;
 */
const HkdfLabel = struct({ length: uint16, label: opaque(7, 255), context: opaque(0, 255) });

function hmac(name: PrfHash, key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(name, key);
  for (const part of data) mac.update(part);
  return mac.digest();
}

export function hashLength(name: PrfHash): 32 | 48 {
  return name === "sha256" ? 32 : 48;
}

/** RFC 8446 §7.1. No length used in TLS 1.3 is longer than one block of the hash (RFC 5869 §2.3). */
function expandLabel(
  name: PrfHash,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const info = encode(HkdfLabel, { length, label: Buffer.from(`tls13 ${label}`), context });
  return hmac(name, secret, info, Uint8Array.of(1)).subarray(0, length);
}

/** RFC 8446 §7.3 */
export function trafficKeys(suite: Suite13, secret: Uint8Array): RecordKeys {
  const { aead } = suite;
  const key = expandLabel(suite.hash, secret, "key", nothing, aead.keyLength);
  return new RecordKeys("TLS 1.3", aead, key, expandLabel(suite.hash, secret, "iv", nothing, 12));
}

/** RFC 8446 §7.2 */
export function nextTrafficSecret(suite: Suite13, secret: Uint8Array): Uint8Array {
  return expandLabel(suite.hash, secret, "traffic upd", nothing, hashLength(suite.hash));
}

/** RFC 8446 §4.4.4: verify_data over a transcript hash, with the base key of its sender. */
export function finishedData(name: PrfHash, baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  return hmac(name, expandLabel(name, baseKey, "finished", nothing, hashLength(name)), transcriptHash);
}

export interface SecretPair {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
}

/** RFC 8446 §7.1: from one secret to the next. All arguments are hashes of the transcript so far. */
export class KeySchedule {
  readonly hash: PrfHash;
  readonly #early: Uint8Array;
  #handshake: Uint8Array | undefined;
  #main: Uint8Array | undefined;

  constructor(name: PrfHash, psk?: Uint8Array) {
    this.hash = name;
    const zeros = new Uint8Array(hashLength(name));
    this.#early = hmac(name, zeros, psk ?? zeros);
  }

  /** Of a PSK that came by a ticket. */
  binderKey(): Uint8Array {
    return this.#derive(this.#early, "res binder", this.#hashOfNothing());
  }

  clientEarlyTraffic(upToClientHello: Uint8Array): Uint8Array {
    return this.#derive(this.#early, "c e traffic", upToClientHello);
  }

  handshakeTraffic(sharedSecret: Uint8Array, upToServerHello: Uint8Array): SecretPair {
    this.#handshake = hmac(
      this.hash,
      this.#derive(this.#early, "derived", this.#hashOfNothing()),
      sharedSecret,
    );
    return {
      client: this.#derive(this.#handshake, "c hs traffic", upToServerHello),
      server: this.#derive(this.#handshake, "s hs traffic", upToServerHello),
    };
  }

  applicationTraffic(upToServerFinished: Uint8Array): SecretPair {
    const main = this.#mainSecret();
    return {
      client: this.#derive(main, "c ap traffic", upToServerFinished),
      server: this.#derive(main, "s ap traffic", upToServerFinished),
    };
  }

  exporter(upToServerFinished: Uint8Array): Uint8Array {
    return this.#derive(this.#mainSecret(), "exp master", upToServerFinished);
  }

  /** RFC 8446 §4.6.1: the PSK that goes with a ticket. */
  resumptionPsk(upToClientFinished: Uint8Array, ticketNonce: Uint8Array): Uint8Array {
    const resumption = this.#derive(this.#mainSecret(), "res master", upToClientFinished);
    return expandLabel(this.hash, resumption, "resumption", ticketNonce, hashLength(this.hash));
  }

  #mainSecret(): Uint8Array {
    const zeros = new Uint8Array(hashLength(this.hash));
    const handshake = this.#handshake ?? zeros;
    this.#main ??= hmac(this.hash, this.#derive(handshake, "derived", this.#hashOfNothing()), zeros);
    return this.#main;
  }

  #derive(secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
    return expandLabel(this.hash, secret, label, transcriptHash, hashLength(this.hash));
  }

  #hashOfNothing(): Uint8Array {
    return hash(this.hash, nothing, "buffer");
  }
}
