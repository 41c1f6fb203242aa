import { createHmac, randomBytes } from "node:crypto";
import type { ClientHello } from "../../dtls/wire/hello.ts";
import type { Address } from "../endpoint.ts";
import type { Tolerance } from "./tolerance.ts";

/** Of this process; a lab does not live long enough to change it. */
const secret = randomBytes(32);

/** RFC 6347 §4.2.1: Cookie = HMAC(Secret, Client-IP, Client-Parameters). */
export function cookieFor(hello: ClientHello, from: Address, tolerance: Tolerance): Uint8Array {
  const hmac = createHmac("sha256", secret);
  if (!tolerance.lacks("cookie-not-bound-to-address")) hmac.update(`${from.host}|${from.port}|`);
  if (!tolerance.lacks("cookie-not-bound-to-hello")) {
    hmac.update(hello.random);
    hmac.update(Uint16Array.from([hello.clientVersion, ...hello.cipherSuites]));
    hmac.update(Uint8Array.from(hello.compressionMethods));
  }
  return Uint8Array.from(hmac.digest()).subarray(0, 20);
}

/** Whether the client has shown that it receives at its address. */
export function hasCookie(hello: ClientHello, from: Address, tolerance: Tolerance): boolean {
  if (tolerance.lacks("no-cookie-demanded")) return true;
  if (hello.cookie.length === 0) return false;
  if (tolerance.lacks("cookie-not-verified")) return true;
  return Buffer.compare(cookieFor(hello, from, tolerance), hello.cookie) === 0;
}
