import { createCipheriv, createDecipheriv } from "node:crypto";
import { randomBytes } from "../../dtls/crypto/random.ts";
import {
  decode,
  encode,
  opaque,
  struct,
  type TypeOf,
  uint8,
  uint16,
  uint32,
  vector,
} from "../../dtls/wire/presentation.ts";

/** What a server puts into a ticket. */
const Contents = struct({
  version: uint16,
  cipherSuite: uint16,
  extendedMasterSecret: uint8,
  secret: opaque(0, 255),
  ageAdd: uint32,
  /** Seconds since 1970. */
  issuedAt: uint32,
  /** Seconds. */
  lifetime: uint32,
  domain: opaque(0, 2 ** 16 - 1),
  serverName: opaque(0, 2 ** 16 - 1),
  chain: vector(opaque(1, 2 ** 24 - 1), 0, 2 ** 24 - 1),
});
export type TicketContents = TypeOf<typeof Contents>;

const ivLength = 12;
const tagLength = 16;

/** The key for the tickets of one server, or of several that share it (RFC 5077 §4). */
export class TicketKey {
  /** Those who share the key may still be of different trust domains. */
  readonly #key = randomBytes(32);

  seal(contents: TicketContents): Uint8Array {
    const iv = randomBytes(ivLength);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv);
    return Buffer.concat([
      iv,
      cipher.update(encode(Contents, contents)),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  /** Undefined for what this key did not make. `unverified`: the tag is not looked at. */
  open(ticket: Uint8Array, unverified = false): TicketContents | undefined {
    if (ticket.length < ivLength + tagLength) return undefined;
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, ticket.subarray(0, ivLength));
      const plaintext = decipher.update(ticket.subarray(ivLength, -tagLength));
      if (!unverified) {
        decipher.setAuthTag(ticket.subarray(-tagLength));
        decipher.final();
      }
      return decode("ticket", Contents, plaintext);
    } catch {
      return undefined;
    }
  }
}

/** How a server gives out tickets and takes them back. */
export interface TicketOptions {
  readonly key: TicketKey;
  /** Who may use a ticket: one of another domain is passed over. Default "". */
  readonly domain?: string;
  /** Seconds; default 7200. */
  readonly lifetime?: number;
  /** How many go out after a handshake of TLS 1.3; default 1. */
  readonly count?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** The most bytes of early data that a ticket of TLS 1.3 says it may be used for; default none. */
  readonly maxEarlyData?: number;
}
