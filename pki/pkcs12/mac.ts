import { createHmac, hash } from "node:crypto";

/** Digests by OID, with u (output) and v (block) of RFC 7292 Appendix B.2 in octets. */
export const macDigests: ReadonlyMap<string, MacDigest> = new Map([
  ["1.3.14.3.2.26", { name: "sha1", u: 20, v: 64 }],
  ["2.16.840.1.101.3.4.2.1", { name: "sha256", u: 32, v: 64 }],
  ["2.16.840.1.101.3.4.2.2", { name: "sha384", u: 48, v: 128 }],
  ["2.16.840.1.101.3.4.2.3", { name: "sha512", u: 64, v: 128 }],
]);

/** A file chooses the count; in JavaScript an iteration takes a microsecond or two. */
export const MAX_MAC_ITERATIONS = 1_000_000;

export interface MacDigest {
  readonly name: "sha1" | "sha256" | "sha384" | "sha512";
  readonly u: number;
  readonly v: number;
}

/** RFC 7292 §4: the HMAC over the contents of authSafe, under a key that comes from the passphrase. */
export function pkcs12Mac(
  digest: MacDigest,
  passphrase: string,
  salt: Uint8Array,
  iterations: number,
  contents: Uint8Array,
): Buffer {
  const key = deriveMacKey(digest, passphrase, salt, iterations);
  const mac = createHmac(digest.name, key).update(contents).digest();
  key.fill(0);
  return mac;
}

/**
 * RFC 7292 Appendix B.2 with ID = 3. A MAC key has the length of one digest, so one block is all there is:
 *     D = v copies of ID;  S, P = salt and password, each repeated to a multiple of v;  I = S || P
 *     A = H^r(D || I)
 */
function deriveMacKey(
  { name, v }: MacDigest,
  passphrase: string,
  salt: Uint8Array,
  iterations: number,
): Buffer {
  // Appendix B.1: the password is a BMPString and ends in two zero octets.
  const password = Buffer.from(`${passphrase}\0`, "utf16le").swap16();
  let block = hash(name, Buffer.concat([Buffer.alloc(v, 3), repeat(salt, v), repeat(password, v)]), "buffer");
  password.fill(0);
  for (let i = 1; i < iterations; i++) block = hash(name, block, "buffer");
  return block;
}

function repeat(bytes: Uint8Array, v: number): Buffer {
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.alloc(Math.ceil(bytes.length / v) * v, bytes);
}
