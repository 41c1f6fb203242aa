import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { defaultSchemes, schemeFor, signWith, verifies } from "../../../../mitm/dtls/signing.ts";

const text = Buffer.from("signed");
const keys: readonly (readonly [string, KeyObject])[] = [
  ["P-256", generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey],
  ["P-384", generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey],
  ["Ed25519", generateKeyPairSync("ed25519").privateKey],
  ["RSA, weak", generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey],
];

describe.each(keys)("a key of %s", (_, key) => {
  test("signs with a scheme that the peer takes, and that verifies", () => {
    const scheme = schemeFor(key, defaultSchemes);
    expect(defaultSchemes).toContain(scheme);
    const signature = signWith(key, scheme, text);
    const publicKey = createPublicKey(key);
    expect(verifies(publicKey, scheme, text, signature)).toBe(true);
    expect(verifies(publicKey, scheme, Buffer.from("other"), signature)).toBe(false);
    expect(verifies(publicKey, scheme, text, signature.subarray(1))).toBe(false);
  });

  test("signs all the same where the peer takes none of its schemes", () => {
    expect(() => signWith(key, schemeFor(key, [0x0a0a]), text)).not.toThrow();
  });
});

test("a scheme of another kind of key does not verify", () => {
  const [[, p256] = [], [, p384] = []] = keys;
  if (p256 === undefined || p384 === undefined) throw new Error("unreachable: there are four keys");
  const signature = signWith(p256, 0x0403, text);
  expect(verifies(createPublicKey(p256), 0x0401, text, signature)).toBe(false);
  expect(verifies(createPublicKey(p256), 0x0a0a, text, signature)).toBe(false);
  expect(() => signWith(p256, 0x0a0a, text)).toThrow(RangeError);
});
