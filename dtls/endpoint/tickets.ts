import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { DtlsError } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import { decodeSession, encodeSession } from "./session-codec.ts";

const nameLength = 16;
const secretLength = 32;
/** Of one key in `ticketKeys`: its name and an AES-256 key. */
export const ticketKeyLength = nameLength + secretLength;
const nonceLength = 12;
const tagLength = 16;
const overhead = nameLength + nonceLength + tagLength;
/** NIST SP 800-38D §8.3: with random nonces a key seals at most this often. */
const mostSeals = 2 ** 32;

export interface TicketSource {
  wallClock(): number;
  random(length: number): Uint8Array;
}

interface TicketKey {
  readonly name: Uint8Array;
  readonly secret: KeyObject;
  readonly since: number;
  seals: number;
}

/**
 * RFC 5077 §4: sessions that clients keep for us, sealed.
 *     struct {
 *       opaque key_name[16];
 *       opaque iv[12];
 *       opaque encrypted_state<0..2^16-1>;     AES-256-GCM, key_name as additional data
 *       opaque tag[16];
 *     } ticket;
 */
export class Tickets {
  readonly #source: TicketSource;
  readonly #lifetimeMs: number;
  /** Given by the application, which changes them itself. */
  readonly #fixed: boolean;
  /** The first seals, all open. */
  #keys: readonly TicketKey[];

  constructor(source: TicketSource, lifetimeSeconds: number, ticketKeys: Uint8Array | undefined) {
    this.#source = source;
    this.#lifetimeMs = lifetimeSeconds * 1000;
    this.#fixed = ticketKeys !== undefined;
    this.#keys = ticketKeys === undefined ? [this.#newKey()] : readKeys(ticketKeys, source.wallClock());
  }

  seal(session: ResumableSession): Uint8Array | undefined {
    const key = this.#sealingKey();
    if (key === undefined) return undefined;
    key.seals += 1;
    const nonce = this.#source.random(nonceLength);
    const cipher = createCipheriv("aes-256-gcm", key.secret, nonce, { authTagLength: tagLength });
    cipher.setAAD(key.name);
    const sealed = cipher.update(encodeSession(session));
    cipher.final();
    return Buffer.concat([key.name, nonce, sealed, cipher.getAuthTag()]);
  }

  /** Undefined for what we did not seal, or no longer open: the client makes a full handshake (RFC 5077 §3.4). */
  open(ticket: Uint8Array): ResumableSession | undefined {
    if (ticket.length <= overhead) return undefined;
    const name = ticket.subarray(0, nameLength);
    // No secret: the name is public, in every ticket.
    const key = this.#keys.find((known) => Buffer.compare(known.name, name) === 0);
    if (key === undefined || (!this.#fixed && this.#age(key) > 1.5 * this.#lifetimeMs)) return undefined;
    const session = openWith(key, ticket);
    return session === undefined || session.expiresAt <= this.#source.wallClock() ? undefined : session;
  }

  #sealingKey(): TicketKey | undefined {
    const [first] = this.#keys;
    if (first === undefined) return undefined;
    if (this.#fixed) return first.seals < mostSeals ? first : undefined;
    // RFC 5077 §5.5: keys should be changed regularly. Three of half a lifetime cover the life of every ticket.
    if (this.#age(first) < this.#lifetimeMs / 2 && first.seals < mostSeals) return first;
    const next = this.#newKey();
    this.#keys = [next, ...this.#keys.slice(0, 2)];
    return next;
  }

  #age(key: TicketKey): number {
    return this.#source.wallClock() - key.since;
  }

  #newKey(): TicketKey {
    const source = this.#source;
    return {
      name: source.random(nameLength),
      secret: createSecretKey(source.random(secretLength)),
      since: source.wallClock(),
      seals: 0,
    };
  }
}

/** @throws DtlsError DTLS_OPTIONS_INVALID */
export function assertTicketKeys(ticketKeys: Uint8Array): void {
  if (ticketKeys.length > 0 && ticketKeys.length % ticketKeyLength === 0) return;
  throw new DtlsError(
    "DTLS_OPTIONS_INVALID",
    `ticketKeys has ${ticketKeys.length} bytes; each key takes ${ticketKeyLength}: a name of ${nameLength}, then ${secretLength} for AES-256`,
  );
}

function readKeys(bytes: Uint8Array, since: number): readonly TicketKey[] {
  assertTicketKeys(bytes);
  const keys: TicketKey[] = [];
  for (let offset = 0; offset < bytes.length; offset += ticketKeyLength) {
    keys.push({
      name: bytes.slice(offset, offset + nameLength),
      secret: createSecretKey(bytes.slice(offset + nameLength, offset + ticketKeyLength)),
      since,
      seals: 0,
    });
  }
  return keys;
}

function openWith(key: TicketKey, ticket: Uint8Array): ResumableSession | undefined {
  const nonce = ticket.subarray(nameLength, nameLength + nonceLength);
  const decipher = createDecipheriv("aes-256-gcm", key.secret, nonce, { authTagLength: tagLength });
  decipher.setAAD(key.name);
  decipher.setAuthTag(ticket.subarray(-tagLength));
  const state = decipher.update(ticket.subarray(nameLength + nonceLength, -tagLength));
  try {
    decipher.final();
    return decodeSession(state);
  } catch {
    return undefined;
  }
}
