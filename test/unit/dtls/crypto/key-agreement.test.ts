import { createECDH } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { generateKeyShare } from "../../../../dtls/crypto/key-agreement.ts";
import { NamedGroup } from "../../../../dtls/wire/registry.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";

const { x25519, secp256r1, secp384r1 } = NamedGroup;
const groups = [
  { group: x25519, name: "X25519", publicLength: 32, secretLength: 32 },
  { group: secp256r1, name: "P-256", publicLength: 65, secretLength: 32 },
  { group: secp384r1, name: "P-384", publicLength: 97, secretLength: 48 },
] as const;

describe.each(groups)("$name", ({ group, publicLength, secretLength }) => {
  test("RFC 8422 §5.10: both sides come to the same secret, as long as the field (R6)", () => {
    const [one, other] = [generateKeyShare(group), generateKeyShare(group)];
    expect(one.group).toBe(group);
    expect(one.publicKey.length).toBe(publicLength);
    const secret = one.agree(other.publicKey);
    expect(secret.length).toBe(secretLength);
    expect(toHex(other.agree(one.publicKey))).toBe(toHex(secret));
  });

  test("RFC 9325 §6.4: each share is a fresh one (R6)", () => {
    const seen = new Set(Array.from({ length: 4 }, () => toHex(generateKeyShare(group).publicKey)));
    expect(seen.size).toBe(4);
  });

  test("a public key of any other length is refused (H, R6)", () => {
    const share = generateKeyShare(group);
    const peer = generateKeyShare(group).publicKey;
    for (const wrong of [
      new Uint8Array(),
      peer.subarray(1),
      peer.subarray(0, -1),
      Buffer.concat([peer, hex("00")]),
    ]) {
      expect(dtlsErrorCode(() => share.agree(wrong))).toBe("DTLS_ILLEGAL_PARAMETER");
    }
  });

  test("an error names the group and no bytes, and the private key is not to be seen (H)", () => {
    const share = generateKeyShare(group);
    expect(Object.keys(share).toSorted()).toEqual(["group", "publicKey"]);
    expect(inspect(share, { showHidden: true, depth: 10 })).not.toMatch(/private/i);
    const bad = new Uint8Array(publicLength);
    expect(() => share.agree(bad)).toThrow(/peer's/);
  });
});

describe.each(groups.slice(1))("points of $name", ({ group, secretLength: fieldLength }) => {
  const share = generateKeyShare(group);
  const peer = generateKeyShare(group).publicKey;

  function expectRefused(point: Uint8Array): void {
    expect(
      dtlsErrorCode(() => share.agree(point)),
      toHex(point),
    ).toBe("DTLS_ILLEGAL_PARAMETER");
  }

  test("RFC 8422 §5.10: a point that is not on the curve is refused (H, R6)", () => {
    for (const index of [1, fieldLength, fieldLength + 1, 2 * fieldLength]) {
      const off = Uint8Array.from(peer);
      off[index] = (off[index] ?? 0) ^ 1;
      expectRefused(off);
    }
    expectRefused(Buffer.concat([hex("04"), new Uint8Array(2 * fieldLength)]));
    // Coordinates not below the field's prime.
    expectRefused(Buffer.concat([hex("04"), new Uint8Array(2 * fieldLength).fill(0xff)]));
  });

  test("RFC 8422 §5.1.2: compressed and hybrid points and the point at infinity are refused (H, R6)", () => {
    const curve = group === secp256r1 ? "prime256v1" : "secp384r1";
    const ecdh = createECDH(curve);
    ecdh.generateKeys();
    expectRefused(ecdh.getPublicKey(undefined, "compressed"));
    expectRefused(ecdh.getPublicKey(undefined, "hybrid"));
    expectRefused(hex("00"));
    expectRefused(Buffer.concat([hex("00"), peer.subarray(1)]));
    expect(share.agree(ecdh.getPublicKey(undefined, "uncompressed")).length).toBe(fieldLength);
  });

  test("the refused point leaves the share as it was", () => {
    const other = generateKeyShare(group);
    const off = Uint8Array.from(peer);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expectRefused(off);
    expect(toHex(share.agree(other.publicKey))).toBe(toHex(other.agree(share.publicKey)));
  });
});

describe("secrets", () => {
  test("RFC 8422 §5.10: leading zeros are kept: P-256 until one comes (R6)", () => {
    const share = generateKeyShare(secp256r1);
    let secret = new Uint8Array([1]);
    let peer = share;
    for (let attempt = 0; secret[0] !== 0 && attempt < 20_000; attempt++) {
      peer = generateKeyShare(secp256r1);
      secret = Uint8Array.from(share.agree(peer.publicKey));
      expect(secret.length).toBe(32);
    }
    expect(secret[0]).toBe(0);
    expect(toHex(peer.agree(share.publicKey))).toBe(toHex(secret));
  });

  test.each([
    ["0", "0000000000000000000000000000000000000000000000000000000000000000"],
    ["1", "0100000000000000000000000000000000000000000000000000000000000000"],
    ["order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
    ["order 8, the other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"],
    ["p - 1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ])(
    "RFC 7748 §6.1, RFC 8422 §5.11: X25519's point of small order %s gives a zero secret, and is refused (H, R6)",
    (_, point) => {
      expect(dtlsErrorCode(() => generateKeyShare(x25519).agree(hex(point)))).toBe("DTLS_ILLEGAL_PARAMETER");
    },
  );
});
