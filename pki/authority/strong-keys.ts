import type { KeyObject } from "node:crypto";
import { PkiError } from "../errors.ts";
import { assertAcceptablePublicKey } from "../x509/public-key.ts";

/**
 * Refuses a public key that should not be certified: by type and size, and by known flaws of its generator.
 * Throws PKI_PUBLIC_KEY_WEAK and says why.
 */
export function requireStrongKey(publicKey: KeyObject): void {
  assertAcceptablePublicKey(publicKey);
  if (publicKey.asymmetricKeyType === "rsa") requireSoundModulus(publicKey);
  if (publicKey.asymmetricKeyType === "ed25519") requireFullOrder(publicKey);
}

function requireSoundModulus(publicKey: KeyObject): void {
  const modulus = fromBase64Url(publicKey.export({ format: "jwk" }).n);
  if (smallPrimes.some((prime) => modulus % prime === 0n)) throw weak("the RSA modulus has a small factor");
  if (hasRocaFingerprint(modulus)) throw weak("the RSA key was made by a flawed generator (CVE-2017-15361)");
  if (hasClosePrimes(modulus))
    throw weak("the RSA key's primes are too close to each other (CVE-2022-26320)");
}

function weak(why: string): PkiError {
  return new PkiError("PKI_PUBLIC_KEY_WEAK", `${why}: make a new key`);
}

function fromBase64Url(text: string | undefined): bigint {
  return BigInt(`0x${Buffer.from(text ?? "", "base64url").toString("hex") || "0"}`);
}

const smallPrimes: readonly bigint[] = primesBelow(2000);

function primesBelow(limit: number): bigint[] {
  const primes: number[] = [];
  for (let n = 2; n < limit; n += 1) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes.map(BigInt);
}

/**
 * The flawed generator makes primes k * M + (65537^a mod M), M the product of the first primes. So the modulus is a
 * power of 65537 modulo each of them; a sound one is by chance once in 2^27.
 */
function hasRocaFingerprint(modulus: bigint): boolean {
  return rocaResidues.every(({ prime, powers }) => powers.has(modulus % prime));
}

const rocaResidues = smallPrimes
  .filter((prime) => prime > 2n && prime <= 167n)
  .map((prime) => ({ prime, powers: powersModulo(65_537n, prime) }));

function powersModulo(base: bigint, prime: bigint): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * base) % prime) powers.add(power);
  return powers;
}

/** Fermat's method: n = a^2 - b^2 with a just above the root of n finds primes that lie close together. */
function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a += 1n;
  for (let round = 0; round < 100; round += 1, a += 1n) {
    const square = a * a - modulus;
    // A square ends in 0, 1, 4 or 9 in base 16: this spares most of the roots.
    const digit = square & 0xfn;
    if (digit !== 0n && digit !== 1n && digit !== 4n && digit !== 9n) continue;
    const b = squareRoot(square);
    if (b * b === square) return true;
  }
  return false;
}

/** Newton's method: the largest integer whose square is not above `n`. */
function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** A point of small order: a signature under it verifies for many messages, with no private key at all. */
function requireFullOrder(publicKey: KeyObject): void {
  const encodedPoint = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const last = encodedPoint.length - 1;
  encodedPoint[last] = (encodedPoint[last] ?? 0) & 0x7f;
  if (smallOrderPoints.has(encodedPoint.toString("hex")))
    throw weak("the Ed25519 key is a point of small order");
}

/** The y coordinates of the points of order 1, 2, 4 and 8 (RFC 8032 §5.1.2 encoding, sign bit cleared), p and p + 1. */
const smallOrderPoints: ReadonlySet<string> = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);
