import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { publicKeyOfCertificate } from "../../../../dtls/crypto/public-key.ts";
import {
  KeySigner,
  schemesForKey,
  schemesOfSigner,
  verifySignature,
} from "../../../../dtls/crypto/signature.ts";
import { SignatureScheme } from "../../../../dtls/wire/registry.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";
import { opensslHandshakes } from "./openssl-handshakes.ts";

const bytes = Buffer.from("client_random, server_random and the parameters");
const allSchemes = Object.values(SignatureScheme);

const keys = {
  "P-256": generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
  "P-384": generateKeyPairSync("ec", { namedCurve: "secp384r1" }),
  Ed25519: generateKeyPairSync("ed25519"),
  "RSA-2048": generateKeyPairSync("rsa", { modulusLength: 2048 }),
};

const unusable: readonly (readonly [string, { publicKey: KeyObject; privateKey: KeyObject }])[] = [
  ["RSA-1024", generateKeyPairSync("rsa", { modulusLength: 1024 })],
  [
    "RSA with a long exponent",
    generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 2 ** 31 + 11 }),
  ],
  ["RSASSA-PSS", generateKeyPairSync("rsa-pss", { modulusLength: 2048 })],
  ["P-521", generateKeyPairSync("ec", { namedCurve: "secp521r1" })],
  ["secp256k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" })],
  ["Ed448", generateKeyPairSync("ed448")],
  ["X25519", generateKeyPairSync("x25519")],
];

describe("schemes of a signer", () => {
  const silent = (publicKey: KeyObject) => ({ publicKey, sign: () => new Uint8Array() });

  test("one that names none is asked for the one of its key, never for RSA-PSS or another hash (A2)", () => {
    expect(schemesOfSigner(silent(keys["P-256"].publicKey))).toEqual([
      SignatureScheme.ecdsa_secp256r1_sha256,
    ]);
    expect(schemesOfSigner(silent(keys["P-384"].publicKey))).toEqual([
      SignatureScheme.ecdsa_secp384r1_sha384,
    ]);
    expect(schemesOfSigner(silent(keys.Ed25519.publicKey))).toEqual([SignatureScheme.ed25519]);
    expect(schemesOfSigner(silent(keys["RSA-2048"].publicKey))).toEqual([SignatureScheme.rsa_pkcs1_sha256]);
  });

  test("one that names some is asked for those, in its order", () => {
    const schemes = [SignatureScheme.rsa_pss_rsae_sha512, SignatureScheme.rsa_pkcs1_sha384];
    expect(schemesOfSigner({ ...silent(keys["RSA-2048"].publicKey), schemes })).toEqual(schemes);
  });
});

describe("schemes of a key", () => {
  const ecdsa = [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.ecdsa_secp384r1_sha384];

  test("RFC 8446 §4.2.3: in DTLS 1.2 an ECDSA scheme names the hash, and any curve goes with it (A2)", () => {
    expect(schemesForKey(keys["P-256"].publicKey)).toEqual(ecdsa);
    expect(schemesForKey(keys["P-384"].publicKey)).toEqual(ecdsa.toReversed());
  });

  test("RFC 8446 §4.2.3: Ed25519 has one scheme, RSA has PSS before PKCS #1 (A2)", () => {
    expect(schemesForKey(keys.Ed25519.publicKey)).toEqual([SignatureScheme.ed25519]);
    expect(schemesForKey(keys["RSA-2048"].publicKey)).toEqual([
      0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
    ]);
  });

  test.each(unusable)(
    "RFC 9325 §4.4: %s has none, signs nothing and verifies nothing (R15)",
    (_, { publicKey, privateKey }) => {
      expect(schemesForKey(publicKey)).toEqual([]);
      expect(dtlsErrorCode(() => new KeySigner(privateKey))).toBe("DTLS_OPTIONS_INVALID");
      for (const scheme of allSchemes) {
        expect(verifySignature(scheme, publicKey, bytes, new Uint8Array(64))).toBe(false);
      }
    },
  );
});

describe.each(Object.entries(keys))("%s", (_, { publicKey, privateKey }) => {
  const signer = new KeySigner(privateKey);
  const schemes = schemesForKey(publicKey);

  test("what it signs verifies, with its own scheme alone, by its own key alone (A2)", () => {
    expect(signer.publicKey.equals(publicKey)).toBe(true);
    expect(signer.schemes).toEqual(schemes);
    for (const scheme of schemes) {
      const signature = signer.sign(bytes, scheme);
      const fitting = allSchemes.filter((other) => verifySignature(other, publicKey, bytes, signature));
      expect(fitting).toEqual([scheme]);
      const owners = Object.values(keys).filter((other) =>
        verifySignature(scheme, other.publicKey, bytes, signature),
      );
      expect(owners.map((owner) => owner.publicKey)).toEqual([publicKey]);
    }
  });

  test("other bytes, a changed, cut, prolonged or empty signature do not verify, and nothing is thrown (A1, A2)", () => {
    for (const scheme of schemes) {
      const signature = signer.sign(bytes, scheme);
      expect(verifySignature(scheme, publicKey, bytes.subarray(1), signature)).toBe(false);
      for (let index = 0; index < signature.length; index += 7) {
        const changed = Uint8Array.from(signature);
        changed[index] = (changed[index] ?? 0) ^ 0x10;
        expect(verifySignature(scheme, publicKey, bytes, changed), `byte ${index}`).toBe(false);
      }
      for (const wrong of [signature.subarray(1), signature.subarray(0, -1), new Uint8Array()]) {
        expect(verifySignature(scheme, publicKey, bytes, wrong)).toBe(false);
      }
      expect(verifySignature(scheme, publicKey, bytes, Buffer.concat([signature, hex("00")]))).toBe(false);
    }
  });

  test("a scheme of another key, or one that nobody knows, does not verify and is not signed (A2)", () => {
    const signature = signer.sign(bytes, schemes[0] ?? SignatureScheme.ed25519);
    for (const scheme of [0, 0x0201, 0x0203, 0x0603, 0x0809, 0xffff]) {
      expect(verifySignature(scheme, publicKey, bytes, signature)).toBe(false);
    }
    for (const scheme of allSchemes.filter((other) => !schemes.includes(other))) {
      expect(verifySignature(scheme, publicKey, bytes, signature)).toBe(false);
      expect(() => signer.sign(bytes, scheme)).toThrow(RangeError);
    }
  });

  test("the private key is not to be seen (H)", () => {
    expect(inspect(signer, { showHidden: true, depth: 10 })).not.toMatch(/private/i);
    expect(() => new KeySigner(publicKey)).toThrow(/public/);
  });
});

describe("RSA", () => {
  const { publicKey, privateKey } = keys["RSA-2048"];

  test("a modulus of 8192 bits is worked on, a longer one is not: the peer chooses how long a verification takes (D1)", () => {
    const ofLength = (bytes: number) => {
      const n = Buffer.alloc(bytes, 0xff).toString("base64url");
      return createPublicKey({ key: { kty: "RSA", n, e: "AQAB" }, format: "jwk" });
    };
    expect(schemesForKey(ofLength(1024))).not.toEqual([]);
    expect(schemesForKey(ofLength(1025))).toEqual([]);
  });

  test("RFC 8446 §4.2.3: the salt of RSASSA-PSS is as long as the digest, no other length verifies (A2)", () => {
    for (const saltLength of [0, 20, 31, 33, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
      const key = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
      const signature = sign("sha256", bytes, key);
      expect(verifySignature(SignatureScheme.rsa_pss_rsae_sha256, publicKey, bytes, signature)).toBe(false);
    }
    const own = new KeySigner(privateKey).sign(bytes, SignatureScheme.rsa_pss_rsae_sha512);
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 };
    expect(verify("sha512", bytes, key, own)).toBe(true);
  });
});

describe("ECDSA", () => {
  const { publicKey, privateKey } = keys["P-256"];
  const scheme = SignatureScheme.ecdsa_secp256r1_sha256;

  test("RFC 8422 §5.4: a signature is the DER of r and s: not r and s side by side, nor zeros (A2)", () => {
    const sideBySide = sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" });
    expect(verifySignature(scheme, publicKey, bytes, sideBySide)).toBe(false);
    expect(verifySignature(scheme, publicKey, bytes, hex("3006020100020100"))).toBe(false);
    expect(verifySignature(scheme, publicKey, bytes, hex("3006020101020100"))).toBe(false);
  });

  test("RFC 8446 §4.2.3: a P-256 key with SHA-384, as a peer may choose in DTLS 1.2 (A2)", () => {
    const signature = sign("sha384", bytes, privateKey);
    expect(verifySignature(SignatureScheme.ecdsa_secp384r1_sha384, publicKey, bytes, signature)).toBe(true);
    expect(verifySignature(scheme, publicKey, bytes, signature)).toBe(false);
  });
});

describe("handshakes of OpenSSL", () => {
  const withSignature = opensslHandshakes.filter(({ serverKeyExchange }) => serverKeyExchange !== undefined);

  test.each(withSignature.map((handshake) => [handshake.suite, handshake] as const))(
    "RFC 8422 §5.4: the ServerKeyExchange of %s verifies with the key of its certificate (A2, R6)",
    (_, handshake) => {
      const publicKey = publicKeyOfCertificate(hex(handshake.certificate ?? ""));
      const message = Buffer.from(hex(handshake.serverKeyExchange ?? ""));
      // curve_type, namedcurve, the point with its length; then the scheme, and the signature with its length.
      const end = 4 + message.readUInt8(3);
      const scheme = message.readUInt16BE(end);
      const signature = message.subarray(end + 4);
      const signed = Buffer.concat([
        hex(handshake.clientRandom),
        hex(handshake.serverRandom),
        message.subarray(0, end),
      ]);
      expect(schemesForKey(publicKey)).toContain(scheme);
      expect(verifySignature(scheme, publicKey, signed, signature)).toBe(true);
      // Another handshake's randoms: a signature cannot be taken from one into the other.
      signed[0] = (signed[0] ?? 0) ^ 1;
      expect(verifySignature(scheme, publicKey, signed, signature)).toBe(false);
    },
  );
});
