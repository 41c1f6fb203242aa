import { createHash, createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ecdhePskPremaster, pskPremaster } from "../../../../dtls/crypto/premaster.ts";
import {
  exportKeyingMaterial,
  extendedMasterSecret,
  keyBlock,
  masterSecret,
  prf,
  verifyData,
} from "../../../../dtls/crypto/prf.ts";
import { type PrfHash, suiteByName, suites } from "../../../../dtls/crypto/suites.ts";
import { Opener } from "../../../../dtls/record/protection.ts";
import { readRecord } from "../../../../dtls/wire/record.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";
import { opensslHandshakes, preSharedKey } from "./openssl-handshakes.ts";

const clientRandom = new Uint8Array(32).fill(0xc1);
const serverRandom = new Uint8Array(32).fill(0x5e);
const master = Uint8Array.from({ length: 48 }, (_, index) => index);

/** RFC 5246 §5 word by word, on Node's own HMAC. */
function slowPrf(hashName: PrfHash, secret: Uint8Array, label: string, seed: Uint8Array, length: number) {
  const hmac = (data: Uint8Array) => createHmac(hashName, secret).update(data).digest();
  const labelAndSeed = Buffer.concat([Buffer.from(label, "ascii"), seed]);
  let output = Buffer.alloc(0);
  let a = labelAndSeed;
  while (output.length < length) {
    a = hmac(a);
    output = Buffer.concat([output, hmac(Buffer.concat([a, labelAndSeed]))]);
  }
  return output.subarray(0, length);
}

describe("PRF", () => {
  test("RFC 5246 §5: the published vector of P_SHA256", () => {
    const output = prf(
      "sha256",
      hex("9bbe436ba940f017b17652849a71db35"),
      "test label",
      hex("a0ba9f936cda311827a6f796ffd5198c"),
      100,
    );
    expect(toHex(output)).toBe(
      "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af" +
        "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701" +
        "87347b66",
    );
  });

  test("RFC 5246 §5: the published vector of P_SHA384", () => {
    const output = prf(
      "sha384",
      hex("b80b733d6ceefcdc71566ea48e5567df"),
      "test label",
      hex("cd665cf6a8447dd6ff8b27555edb7465"),
      148,
    );
    expect(toHex(output)).toBe(
      "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0" +
        "e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425" +
        "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e099070" +
        "3d73e56f",
    );
  });

  test("RFC 5246 §5: any secret, label, seed and length, as HMAC gives it word by word", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<PrfHash>("sha256", "sha384"),
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
        fc.uint8Array({ maxLength: 500 }),
        fc.integer({ min: 1, max: 300 }),
        (hashName, secret, label, seed, length) => {
          const expected = slowPrf(hashName, secret, label, seed, length);
          expect(toHex(prf(hashName, secret, label, seed, length))).toBe(toHex(expected));
        },
      ),
    );
  });

  test("results are memory of their own: the next derivation does not change them", () => {
    const first = prf("sha256", master, "a", clientRandom, 48);
    const before = toHex(first);
    prf("sha384", master, "b", serverRandom, 48);
    expect(toHex(first)).toBe(before);
  });
});

describe("key schedule", () => {
  test("RFC 5246 §8.1: the master secret is over the client's random and then the server's", () => {
    const premaster = randomBytes(32);
    const randoms = Buffer.concat([clientRandom, serverRandom]);
    expect(toHex(masterSecret("sha256", premaster, clientRandom, serverRandom))).toBe(
      toHex(slowPrf("sha256", premaster, "master secret", randoms, 48)),
    );
  });

  test.each(suites.map((suite) => [suite.name, suite] as const))(
    "RFC 5246 §6.3: the key block of %s: keys, then IVs, the client's first, from the server's random first",
    (_, suite) => {
      const { keyLength, fixedIvLength } = suite.aead;
      const { client, server } = keyBlock(suite, master, clientRandom, serverRandom);
      const randoms = Buffer.concat([serverRandom, clientRandom]);
      const expected = slowPrf(
        suite.prfHash,
        master,
        "key expansion",
        randoms,
        2 * (keyLength + fixedIvLength),
      );
      expect([client.key.length, client.iv.length]).toEqual([keyLength, fixedIvLength]);
      expect(toHex(Buffer.concat([client.key, server.key, client.iv, server.iv]))).toBe(toHex(expected));
    },
  );

  test("RFC 5246 §7.4.9: Finished has 12 bytes, and each side its own label", () => {
    const transcriptHash = randomBytes(32);
    for (const side of ["client", "server"] as const) {
      const expected = slowPrf("sha256", master, `${side} finished`, transcriptHash, 12);
      expect(toHex(verifyData("sha256", master, side, transcriptHash))).toBe(toHex(expected));
    }
  });
});

describe("handshakes of OpenSSL", () => {
  const withPskAlone = opensslHandshakes.filter(({ suite }) => suite.startsWith("TLS_PSK"));

  test.each(withPskAlone.map((handshake) => [handshake.suite, handshake] as const))(
    "RFC 7627 §4, RFC 4279 §2: from the pre-shared key to the master secret with %s (R6, R8)",
    (name, handshake) => {
      const suite = suiteByName(name);
      if (suite === undefined) throw new Error(name);
      const sessionHash = hashOf(suite.prfHash, handshake.beforeFinished);
      const derived = extendedMasterSecret(suite.prfHash, pskPremaster(hex(preSharedKey)), sessionHash);
      expect(toHex(derived)).toBe(handshake.masterSecret);
    },
  );

  const withTranscript = opensslHandshakes.filter(({ beforeFinished }) => beforeFinished !== undefined);

  test.each(withTranscript.map((handshake) => [handshake.suite, handshake] as const))(
    "RFC 5246 §7.4.9, RFC 6347 §4.2.6: both Finished of %s are over the transcript without cookie exchange (A3, R3.4, R8)",
    (name, handshake) => {
      const suite = suiteByName(name);
      if (suite === undefined) throw new Error(name);
      const secret = hex(handshake.masterSecret);
      const keys = keyBlock(suite, secret, hex(handshake.clientRandom), hex(handshake.serverRandom));
      const finished = (side: "client" | "server") => {
        const record = readRecord(hex(handshake[side].finished), 0, 0);
        const from = new Opener({ aead: suite.aead, ...keys[side], epoch: 1, connectionId: undefined });
        const opened = record && from.open(record);
        if (typeof opened !== "object") throw new Error(`${side}: ${opened}`);
        return toHex(opened.plaintext);
      };
      const before = handshake.beforeFinished ?? [];
      const clientData = verifyData(suite.prfHash, secret, "client", hashOf(suite.prfHash, before));
      expect(finished("client").slice(24)).toBe(toHex(clientData));
      const beforeServer = [...before, finished("client"), handshake.newSessionTicket ?? ""];
      const serverData = verifyData(suite.prfHash, secret, "server", hashOf(suite.prfHash, beforeServer));
      expect(finished("server").slice(24)).toBe(toHex(serverData));
    },
  );

  function hashOf(hashName: PrfHash, messages: readonly string[] = []): Uint8Array {
    return createHash(hashName)
      .update(hex(messages.join("")))
      .digest();
  }
});

describe("premaster secrets with a pre-shared key", () => {
  test("RFC 4279 §2: a length, that many zeros, the length, the key (R6)", () => {
    expect(toHex(pskPremaster(hex("a1b2c3")))).toBe("0003 000000 0003 a1b2c3".replaceAll(" ", ""));
  });

  test("RFC 5489 §2: the length of Z, Z, the length of the key, the key (R6)", () => {
    expect(toHex(ecdhePskPremaster(hex("00ff"), hex("a1b2c3")))).toBe("000200ff0003a1b2c3");
  });

  test("RFC 4279 §5.3: keys of 64 bytes and more work; what no uint16 can say is refused (R6)", () => {
    expect(pskPremaster(new Uint8Array(64)).length).toBe(4 + 128);
    expect(pskPremaster(new Uint8Array(65_535)).length).toBe(4 + 2 * 65_535);
    expect(() => pskPremaster(new Uint8Array(65_536))).toThrow(RangeError);
  });
});

describe("exporters", () => {
  const secrets = { hash: "sha256", master, clientRandom, serverRandom } as const;
  const randoms = Buffer.concat([clientRandom, serverRandom]);

  test("RFC 5705 §4: without a context the seed is the two randoms (R17)", () => {
    const expected = slowPrf("sha256", master, "EXPERIMENTAL mine", randoms, 40);
    expect(toHex(exportKeyingMaterial(secrets, "EXPERIMENTAL mine", 40))).toBe(toHex(expected));
  });

  test("RFC 5705 §4: a context is added with its length, and an empty one is not the same as none (R17)", () => {
    for (const [context, added] of [
      [new Uint8Array(), "0000"],
      [hex("c0ffee"), "0003c0ffee"],
      [new Uint8Array(300), `012c${"00".repeat(300)}`],
    ] as const) {
      const seed = Buffer.concat([randoms, hex(added)]);
      const expected = slowPrf("sha256", master, "EXPERIMENTAL mine", seed, 32);
      expect(toHex(exportKeyingMaterial(secrets, "EXPERIMENTAL mine", 32, context))).toBe(toHex(expected));
    }
    expect(exportKeyingMaterial(secrets, "EXPERIMENTAL mine", 32)).not.toEqual(
      exportKeyingMaterial(secrets, "EXPERIMENTAL mine", 32, new Uint8Array()),
    );
  });

  test.each([
    "client finished",
    "server finished",
    "master secret",
    "extended master secret",
    "key expansion",
  ])('RFC 5705 §4: the label "%s" is the protocol\'s own, and refused (R17)', (label) => {
    expect(dtlsErrorCode(() => exportKeyingMaterial(secrets, label, 48))).toBe("DTLS_OPTIONS_INVALID");
    expect(dtlsErrorCode(() => exportKeyingMaterial(secrets, label, 48, new Uint8Array()))).toBe(
      "DTLS_OPTIONS_INVALID",
    );
  });

  test("labels that are not ASCII, lengths and contexts out of range are refused (R17)", () => {
    for (const label of ["", "é", "a\n", "x".repeat(256)]) {
      expect(dtlsErrorCode(() => exportKeyingMaterial(secrets, label, 32))).toBe("DTLS_OPTIONS_INVALID");
    }
    for (const length of [0, -1, 1.5, Number.NaN, 2 ** 14 + 1]) {
      expect(dtlsErrorCode(() => exportKeyingMaterial(secrets, "mine", length))).toBe("DTLS_OPTIONS_INVALID");
    }
    const context = new Uint8Array(65_536);
    expect(dtlsErrorCode(() => exportKeyingMaterial(secrets, "mine", 32, context))).toBe(
      "DTLS_OPTIONS_INVALID",
    );
  });
});
