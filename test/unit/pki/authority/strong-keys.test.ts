import { createPublicKey, generateKeyPairSync, generatePrimeSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { requireStrongKey } from "../../../../pki/authority/strong-keys.ts";
import { generatePrivateKey, type KeyAlgorithm } from "../../../../pki/index.ts";

const weak = (why: RegExp) =>
  expect.objectContaining({ code: "PKI_PUBLIC_KEY_WEAK", message: expect.stringMatching(why) });

function base64Url(n: bigint): string {
  const hex = n.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
}

function rsaKey(modulus: bigint, exponent = 65_537n): KeyObject {
  return createPublicKey({
    key: { kty: "RSA", n: base64Url(modulus), e: base64Url(exponent) },
    format: "jwk",
  });
}

function prime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true });
}

describe("E-08: weak keys are refused", () => {
  test.each<KeyAlgorithm>(["p256", "p384", "ed25519", "rsa:2048", "ml-dsa-44", "ml-dsa-65"])(
    "a sound %s key passes",
    (algorithm) => {
      expect(() => requireStrongKey(createPublicKey(generatePrivateKey(algorithm)))).not.toThrow();
    },
  );

  test("an RSA key of 1024 bits", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    expect(() => requireStrongKey(publicKey)).toThrow(weak(/1024 bits/));
  });

  test("an RSA key with exponent 3", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 });
    expect(() => requireStrongKey(publicKey)).toThrow(weak(/exponent/));
  });

  test("an RSA modulus with a small factor", () => {
    expect(() => requireStrongKey(rsaKey(prime(2045) * 13n))).toThrow(weak(/small factor/));
  });

  test("an RSA key of the flawed generator (CVE-2017-15361)", () => {
    // The shape of its primes is enough: k * M + (65537^a mod M).
    let primorial = 1n;
    for (let n = 2n; n < 702n; n += 1n) {
      let isPrime = true;
      for (let d = 2n; d * d <= n && isPrime; d += 1n) isPrime = n % d !== 0n;
      if (isPrime) primorial *= n;
    }
    let power = 1n;
    for (let n = 0; n < 1234; n += 1) power = (power * 65_537n) % primorial;
    const factors: bigint[] = [];
    for (let k = (3n << 1022n) / primorial; factors.length < 2; k += 1n) {
      const factor = k * primorial + power;
      if (!hasSmallFactor(factor)) factors.push(factor);
    }
    const modulus = factors.reduce((product, factor) => product * factor, 1n);
    expect(() => requireStrongKey(rsaKey(modulus))).toThrow(weak(/CVE-2017-15361/));
  });

  test("an RSA key whose primes are close to each other (CVE-2022-26320)", () => {
    const p = prime(1024);
    const even = p + 2n * 500n;
    expect(() => requireStrongKey(rsaKey(nextWithoutSmallFactor(even) * p))).toThrow(weak(/too close/));
  });

  test.each(["secp256k1", "secp224r1"])("an EC key on %s", (namedCurve) => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve });
    expect(() => requireStrongKey(publicKey)).toThrow(weak(/curve|EC key/));
  });

  test("keys of types that sign nothing", () => {
    expect(() => requireStrongKey(generateKeyPairSync("x25519").publicKey)).toThrow(weak(/x25519/));
    expect(() => requireStrongKey(generateKeyPairSync("dsa", { modulusLength: 2048 }).publicKey)).toThrow(
      weak(/dsa/),
    );
  });

  test.each([
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ])("an Ed25519 point of small order: %s", (hex) => {
    const x = Buffer.from(hex, "hex").toString("base64url");
    const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    expect(() => requireStrongKey(publicKey)).toThrow(weak(/small order/));
  });
});

function hasSmallFactor(n: bigint): boolean {
  for (let d = 3n; d < 2000n; d += 2n) if (n % d === 0n) return true;
  return n % 2n === 0n;
}

function nextWithoutSmallFactor(n: bigint): bigint {
  let candidate = n | 1n;
  while (hasSmallFactor(candidate)) candidate += 2n;
  return candidate;
}
