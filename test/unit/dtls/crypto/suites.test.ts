import { describe, expect, test } from "vitest";
import { aeadAlgorithms } from "../../../../dtls/crypto/aead.ts";
import { suiteById, suiteByName, suites } from "../../../../dtls/crypto/suites.ts";

/** IANA's registry, typed off it: code point, key exchange, AEAD, hash of the PRF. */
const registry = [
  [0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256", "PSK", "AES_128_GCM", "sha256"],
  [0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384", "PSK", "AES_256_GCM", "sha384"],
  [0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE_ECDSA", "AES_128_GCM", "sha256"],
  [0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE_ECDSA", "AES_256_GCM", "sha384"],
  [0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE_RSA", "AES_128_GCM", "sha256"],
  [0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE_RSA", "AES_256_GCM", "sha384"],
  [0xc0a4, "TLS_PSK_WITH_AES_128_CCM", "PSK", "AES_128_CCM", "sha256"],
  [0xc0a5, "TLS_PSK_WITH_AES_256_CCM", "PSK", "AES_256_CCM", "sha256"],
  [0xc0a8, "TLS_PSK_WITH_AES_128_CCM_8", "PSK", "AES_128_CCM_8", "sha256"],
  [0xc0a9, "TLS_PSK_WITH_AES_256_CCM_8", "PSK", "AES_256_CCM_8", "sha256"],
  [0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", "ECDHE_ECDSA", "AES_128_CCM", "sha256"],
  [0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", "ECDHE_ECDSA", "AES_256_CCM", "sha256"],
  [0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", "ECDHE_ECDSA", "AES_128_CCM_8", "sha256"],
  [0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "ECDHE_ECDSA", "AES_256_CCM_8", "sha256"],
  [0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE_RSA", "CHACHA20_POLY1305", "sha256"],
  [0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE_ECDSA", "CHACHA20_POLY1305", "sha256"],
  [0xccab, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", "PSK", "CHACHA20_POLY1305", "sha256"],
  [0xccac, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", "ECDHE_PSK", "CHACHA20_POLY1305", "sha256"],
  [0xd001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "ECDHE_PSK", "AES_128_GCM", "sha256"],
  [0xd002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", "ECDHE_PSK", "AES_256_GCM", "sha384"],
  [0xd003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "ECDHE_PSK", "AES_128_CCM_8", "sha256"],
  [0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "ECDHE_PSK", "AES_128_CCM", "sha256"],
] as const;

describe("cipher suites", () => {
  test.each(registry)("%i is %s", (id, name, keyExchange, aead, prfHash) => {
    const suite = suiteById(id);
    expect(suite).toMatchObject({ id, name, keyExchange, prfHash });
    expect(suite?.aead).toBe(aeadAlgorithms[aead]);
    expect(suiteByName(name)).toBe(suite);
    expect(suite && suiteByName(suite.opensslName)).toBe(suite);
  });

  test("RFC 9325 §4.1: there are no others: no CBC, no static RSA, no NULL, no anonymous one (R15, H)", () => {
    expect(suites.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(registry.map(([id]) => id));
    expect(new Set(suites.map(({ opensslName }) => opensslName)).size).toBe(suites.length);
    // TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_NULL_SHA, the SCSV
    for (const id of [0x009c, 0xc009, 0xc006, 0x00ff, 0]) expect(suiteById(id)).toBeUndefined();
    for (const name of ["AES128-GCM-SHA256", "", "toString", "__proto__"]) {
      expect(suiteByName(name)).toBeUndefined();
    }
  });

  test("RFC 9325 §4.1: forward secrecy comes before all that lacks it, full tags before short ones (R15)", () => {
    const ephemeral = suites.map(({ keyExchange }) => keyExchange !== "PSK");
    expect(ephemeral).toEqual(ephemeral.toSorted((a, b) => Number(b) - Number(a)));
    for (const half of [true, false]) {
      const tags = suites
        .filter(({ keyExchange }) => (keyExchange === "PSK") !== half)
        .map(({ aead }) => aead.tagLength);
      expect(tags).toEqual(tags.toSorted((a, b) => b - a));
    }
  });

  test.each([
    ["AES_128_GCM", 16, 4, 8, 16],
    ["AES_256_GCM", 32, 4, 8, 16],
    ["AES_128_CCM", 16, 4, 8, 16],
    ["AES_256_CCM", 32, 4, 8, 16],
    ["AES_128_CCM_8", 16, 4, 8, 8],
    ["AES_256_CCM_8", 32, 4, 8, 8],
    ["CHACHA20_POLY1305", 32, 12, 0, 16],
  ] as const)(
    "RFC 5288 §3, RFC 6655 §3, RFC 7905 §2: the lengths of %s (R1.5)",
    (name, key, iv, nonce, tag) => {
      expect(aeadAlgorithms[name]).toMatchObject({
        name: `AEAD_${name}`,
        keyLength: key,
        fixedIvLength: iv,
        explicitNonceLength: nonce,
        tagLength: tag,
      });
    },
  );
});
