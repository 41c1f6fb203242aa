import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Address } from "../association/settings.ts";
import type { ClientHelloPrefix } from "../wire/hello.ts";

/** RFC 6347 §4.2.1: the secret should change often; a cookie is good for this long and at most twice as long. */
const secretLifetimeMs = 60_000;
const secretLength = 32;
/** One byte names the secret, so that a check costs one HMAC; 16 bytes of it cannot be guessed. */
const hmacLength = 16;
/** client_version and random. */
const versionAndRandomLength = 2 + 32;
export const cookieLength = 1 + hmacLength;

export interface CookieSource {
  now(): number;
  random(length: number): Uint8Array;
}

interface Secret {
  readonly key: KeyObject;
  readonly since: number;
  readonly number: number;
}

/**
 * RFC 6347 §4.2.1: Cookie = HMAC(Secret, Client-IP, Client-Parameters), so that the server keeps nothing for a client
 * before that has shown that it receives at its address.
 *
 * The parameters are version, random, cipher_suites and compression_methods: what stands in the first fragment of any
 * ClientHello, however it is cut. Not session_id: beside a ticket it is arbitrary (RFC 5077 §3.4), and there are clients
 * that choose another one for their second ClientHello, which would ask for ever.
 */
export class Cookies {
  readonly #source: CookieSource;
  #current: Secret;
  #previous: Secret | undefined;

  constructor(source: CookieSource) {
    this.#source = source;
    this.#current = this.#newSecret(0);
  }

  make(from: Address, hello: ClientHelloPrefix): Uint8Array {
    this.#rotate();
    return cookieBy(this.#current, from, hello);
  }

  /** Whether `hello.cookie` is one that `make` gave for the same address and parameters, lately. */
  check(from: Address, hello: ClientHelloPrefix): boolean {
    if (hello.cookie.length !== cookieLength) return false;
    this.#rotate();
    const [number] = hello.cookie;
    const secret = [this.#current, this.#previous].find((known) => known?.number === number);
    return secret !== undefined && timingSafeEqual(cookieBy(secret, from, hello), hello.cookie);
  }

  #rotate(): void {
    const age = this.#source.now() - this.#current.since;
    if (age < secretLifetimeMs) return;
    this.#previous = age < 2 * secretLifetimeMs ? this.#current : undefined;
    this.#current = this.#newSecret((this.#current.number + 1) % 256);
  }

  #newSecret(number: number): Secret {
    const key = createSecretKey(this.#source.random(secretLength));
    return { key, since: this.#source.now(), number };
  }
}

function cookieBy(secret: Secret, from: Address, hello: ClientHelloPrefix): Uint8Array {
  const cookie = new Uint8Array(cookieLength);
  cookie[0] = secret.number;
  const hmac = createHmac("sha256", secret.key)
    // The text of an address says its family; the port counts, or all behind one NAT would share a cookie.
    .update(`${from.address}|${from.port}|`)
    .update(hello.beforeCookie.subarray(0, versionAndRandomLength))
    .update(hello.afterCookie)
    .digest();
  cookie.set(hmac.subarray(0, hmacLength), 1);
  return cookie;
}
