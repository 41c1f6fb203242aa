import { createCipheriv } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AeadAlgorithm, aeadAlgorithms } from "../../../../dtls/crypto/aead.ts";
import { keyBlock } from "../../../../dtls/crypto/prf.ts";
import { suiteByName, suites } from "../../../../dtls/crypto/suites.ts";
import {
  Opener,
  type OpenerOptions,
  Sealer,
  type SealerOptions,
} from "../../../../dtls/record/protection.ts";
import { maxSequence, type RawRecord, readRecord } from "../../../../dtls/wire/record.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";
import { opensslHandshakes, sentByClient, sentByServer } from "../crypto/openssl-handshakes.ts";

const { AES_128_GCM, AES_128_CCM, AES_128_CCM_8, AES_256_CCM_8, CHACHA20_POLY1305 } = aeadAlgorithms;
const algorithms: readonly AeadAlgorithm[] = Object.values(aeadAlgorithms);
const applicationData = 23;
const connectionId = hex("c1d0c1d0c1d0c1d0");
const message = Buffer.from("one hundred bytes or so of what a device has to say about the weather");

/** The keys are the same on both sides: what one seals, the other opens. */
function options<Extra extends object>(aead: AeadAlgorithm, extra: Extra) {
  const key = Uint8Array.from({ length: aead.keyLength }, (_, index) => 0x80 + index);
  const iv = Uint8Array.from({ length: aead.fixedIvLength }, (_, index) => 0xf0 + index);
  return { aead, key, iv, epoch: 1, connectionId: undefined, ...extra };
}

function sealer(aead: AeadAlgorithm, extra: Partial<SealerOptions> = {}): Sealer {
  return new Sealer(options(aead, extra));
}

function opener(aead: AeadAlgorithm, extra: Partial<OpenerOptions> = {}): Opener {
  return new Opener(options(aead, extra));
}

function received(bytes: Uint8Array, connectionIdLength = connectionId.length): RawRecord {
  const record = readRecord(bytes, 0, connectionIdLength);
  if (record === undefined) throw new Error("not a whole record");
  return record;
}

function text(opened: ReturnType<Opener["open"]>): string {
  return typeof opened === "string" ? opened : Buffer.from(opened.plaintext).toString();
}

/** The record with one bit of the byte at `index` turned around. */
function damaged(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

/** A record by another hand than the Sealer's: whatever nonce, additional data and inner bytes a test wants. */
function forge(parts: {
  readonly aead: AeadAlgorithm;
  readonly header: Uint8Array;
  readonly explicitNonce?: Uint8Array;
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
  readonly inner: Uint8Array;
}): Uint8Array {
  const { key } = options(parts.aead, {});
  const cipher = createCipheriv("aes-128-gcm", key, parts.nonce);
  cipher.setAAD(parts.additionalData);
  const fragment = Buffer.concat([
    parts.explicitNonce ?? new Uint8Array(),
    cipher.update(parts.inner),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(fragment.length);
  return Buffer.concat([parts.header, length, fragment]);
}

describe("records of other stacks", () => {
  for (const handshake of opensslHandshakes) {
    const suite = suiteByName(handshake.suite);
    if (suite === undefined) throw new Error(handshake.suite);
    const keys = keyBlock(
      suite,
      hex(handshake.masterSecret),
      hex(handshake.clientRandom),
      hex(handshake.serverRandom),
    );
    for (const [side, sent] of [
      ["client", sentByClient],
      ["server", sentByServer],
    ] as const) {
      test(`RFC 5246 §6.2.3.3: what OpenSSL's ${side} sealed with ${suite.name} opens, and is sealed alike (R1.5, R17)`, () => {
        const protection = { aead: suite.aead, ...keys[side], epoch: 1, connectionId: undefined };
        const from = new Opener(protection);
        const finished = received(hex(handshake[side].finished));
        const data = received(hex(handshake[side].data));
        expect(from.open(finished)).toMatchObject({ type: 22, isNewest: true });
        const opened = from.open(data);
        expect(text(opened)).toBe(sent);
        expect(opened).toMatchObject({ type: applicationData, isNewest: true });

        // OpenSSL counts the explicit nonce of GCM from a random number on; with the others it is ours.
        if (suite.aead.mode === "gcm") return;
        const own = new Sealer({ ...protection, sequence: data.sequence });
        expect(toHex(own.seal(applicationData, Buffer.from(sent)))).toBe(handshake[side].data);
      });
    }
  }

  test("every AEAD occurs in them", () => {
    const seen = new Set(opensslHandshakes.map(({ suite }) => suiteByName(suite)?.aead));
    expect(new Set(suites.map(({ aead }) => aead))).toEqual(seen);
  });
});

describe.each(algorithms)("$name", (aead) => {
  for (const id of [undefined, connectionId, new Uint8Array(255).fill(0xaa)]) {
    const what = id === undefined ? "without a connection id" : `with one of ${id.length} bytes`;

    test(`RFC 6347 §4.1: seals and opens, ${what}: empty, short, and 2^14 bytes (R1.7, R11.5, G5)`, () => {
      const to = sealer(aead, { connectionId: id });
      const from = opener(aead, { connectionId: id });
      for (const length of [0, 1, 15, 16, 17, 100, 2 ** 14 - (id === undefined ? 0 : 1)]) {
        const plaintext = new Uint8Array(length).fill(length);
        const record = to.seal(applicationData, plaintext);
        expect(record.length).toBe(length + to.overhead);
        const opened = from.open(received(record, id?.length));
        expect(opened).toEqual({ type: applicationData, plaintext: Buffer.from(plaintext), isNewest: true });
      }
    });

    test(`RFC 6347 §4.1.2.7: one bit changed anywhere is a bad record, and the true one opens afterwards, ${what} (R1.3, F1)`, () => {
      const record = sealer(aead, { connectionId: id }).seal(applicationData, message);
      const from = opener(aead, { connectionId: id });
      for (let index = 0; index < record.length; index += id?.length === 255 ? 7 : 1) {
        // A changed length is no whole record any more, or a cut one.
        const other = readRecord(damaged(record, index), 0, id?.length ?? 0);
        expect(other && from.open(other), `byte ${index}`).not.toBeTypeOf("object");
      }
      expect(text(from.open(received(record, id?.length)))).toBe(message.toString());
    });
  }

  test("RFC 6347 §4.1.2.6: the same record opens once (R1.6)", () => {
    const record = received(sealer(aead).seal(applicationData, message));
    const from = opener(aead);
    expect(text(from.open(record))).toBe(message.toString());
    expect(from.open(record)).toBe("replayed");
  });

  test("a record that is shorter than nonce and tag, or longer than any may be, is thrown away (R1.3, R1.7)", () => {
    const record = received(sealer(aead).seal(applicationData, message));
    const most = aead.explicitNonceLength + aead.tagLength;
    for (let length = 0; length < most; length++) {
      expect(opener(aead).open({ ...record, fragment: record.fragment.subarray(0, length) })).toBe(
        "malformed_record",
      );
    }
    expect(opener(aead).open({ ...record, fragment: record.fragment.subarray(0, most) })).toBe(
      "bad_record_mac",
    );
    const fragment = new Uint8Array(most + 2 ** 14);
    expect(opener(aead).open({ ...record, fragment })).toBe("bad_record_mac");
    expect(opener(aead).open({ ...record, fragment: new Uint8Array(most + 2 ** 14 + 1) })).toBe(
      "record_too_large",
    );
  });

  test("another epoch or version is not even tried (R1.2, R1.3, B2)", () => {
    const record = received(sealer(aead).seal(applicationData, message));
    const from = opener(aead);
    expect(from.open({ ...record, epoch: 2 })).toBe("unknown_epoch");
    expect(from.open({ ...record, epoch: 0 })).toBe("unknown_epoch");
    expect(from.open({ ...record, version: 0xfeff })).toBe("wrong_version");
    expect(from.failures).toBe(0);
  });

  test("no two records carry the same nonce, at the borders of 32 and 48 bits neither (F2, F5)", () => {
    for (const first of [0, 2 ** 31 - 2, 2 ** 32 - 2, 2 ** 40 - 2, maxSequence - 3]) {
      const to = sealer(aead, { sequence: first });
      const from = opener(aead);
      const seen = new Set<string>();
      for (let n = first; n < first + 4; n++) {
        const bytes = to.seal(applicationData, new Uint8Array(32));
        const record = received(bytes);
        expect(record.sequence).toBe(n);
        // Zeros are sealed: the ciphertext is the key stream, the same again if the nonce is.
        seen.add(toHex(record.fragment.subarray(aead.explicitNonceLength)));
        expect(from.open(record)).toMatchObject({ isNewest: true });
        const counter = `0001${n.toString(16).padStart(12, "0")}`;
        expect(toHex(record.fragment).startsWith(counter)).toBe(aead.explicitNonceLength === 8);
      }
      expect(seen.size).toBe(4);
    }
  });

  test("RFC 6347 §4.1: a sequence number never wraps: 2^48-1 is the last (F3, F5, R1.4)", () => {
    const to = sealer(aead, { sequence: maxSequence });
    expect(opener(aead).open(received(to.seal(applicationData, message)))).toMatchObject({ isNewest: true });
    expect(dtlsErrorCode(() => to.seal(applicationData, message))).toBe("DTLS_SEQUENCE_EXHAUSTED");
    expect(dtlsErrorCode(() => to.seal(applicationData, message))).toBe("DTLS_SEQUENCE_EXHAUSTED");
  });

  test("RFC 9147 §4.5.3: failures are counted, and past the limit nothing is opened any more (F6)", () => {
    const true1 = received(sealer(aead).seal(applicationData, message));
    const forged = { ...true1, fragment: damaged(true1.fragment, true1.fragment.length - 1) };
    const from = opener(aead, { failures: aead.openFailureLimit - 1 });
    expect(from.open(forged)).toBe("bad_record_mac");
    expect(text(from.open(true1))).toBe(message.toString());
    const forged2 = { ...forged, sequence: 1 };
    expect(dtlsErrorCode(() => from.open(forged2))).toBe("DTLS_SEQUENCE_EXHAUSTED");
    const true2 = received(sealer(aead, { sequence: 2 }).seal(applicationData, message));
    expect(dtlsErrorCode(() => from.open(true2))).toBe("DTLS_SEQUENCE_EXHAUSTED");
  });

  test("a restart goes on with the same numbers, and the old side seals no more (F2)", () => {
    for (const id of [undefined, connectionId]) {
      const [to, from] = [sealer(aead, { connectionId: id }), opener(aead, { connectionId: id })];
      const first = received(to.seal(applicationData, message));
      from.open(first);
      from.open({ ...first, sequence: 7 });
      const to2 = Sealer.import(aead, structuredClone(to.exportState()));
      const from2 = Opener.import(aead, structuredClone(from.exportState()));
      expect(to2.sequence).toBe(1);
      expect(from2.failures).toBe(1);
      expect(from2.open(first)).toBe("replayed");
      const second = received(to2.seal(applicationData, message));
      expect(second.sequence).toBe(1);
      expect(text(from2.open(second))).toBe(message.toString());
      expect(dtlsErrorCode(() => to.seal(applicationData, message))).toBe("DTLS_SEQUENCE_EXHAUSTED");
    }
  });

  test("keys are not seen by inspect or in JSON (H)", () => {
    const { key } = options(aead, {});
    for (const holder of [sealer(aead), opener(aead)]) {
      const seen = inspect(holder, { depth: 10, showHidden: true }) + JSON.stringify(holder);
      expect(seen).not.toContain(Buffer.from(key).toString("hex"));
      expect(seen).not.toContain([...key.subarray(0, 4)].join(", "));
      expect(seen).not.toContain([...key.subarray(0, 4)].join(","));
    }
  });
});

describe("what a record looks like", () => {
  test("RFC 5288 §3, RFC 6347 §4.1: type, version, epoch, sequence number, length, explicit nonce (R1.1, R1.5, F2)", () => {
    const bytes = sealer(AES_128_GCM, { epoch: 0x0102, sequence: 0x030405060708 }).seal(21, hex("0100"));
    expect(toHex(bytes.subarray(0, 21))).toBe("15fefd0102030405060708001a0102030405060708");
    expect(bytes.length).toBe(13 + 8 + 2 + 16);
  });

  test("RFC 5246 §6.2.3.3: additional data of epoch, sequence number, type, version and length (R1.5)", () => {
    const inner = Buffer.from("by another hand");
    const forged = forge({
      aead: AES_128_GCM,
      header: hex("17fefd0001000000000009"),
      explicitNonce: hex("0001000000000009"),
      nonce: hex("f0f1f2f30001000000000009"),
      additionalData: hex("0001000000000009 17 fefd 000f"),
      inner,
    });
    expect(text(opener(AES_128_GCM).open(received(forged)))).toBe("by another hand");
    expect(toHex(sealer(AES_128_GCM, { sequence: 9 }).seal(applicationData, inner))).toBe(toHex(forged));
  });

  test("RFC 5288 §3: the explicit nonce of the peer is taken from the record, whatever it is (R1.5)", () => {
    const forged = forge({
      aead: AES_128_GCM,
      header: hex("17fefd0001000000000009"),
      explicitNonce: hex("a5a5a5a5a5a5a5a5"),
      nonce: hex("f0f1f2f3a5a5a5a5a5a5a5a5"),
      additionalData: hex("0001000000000009 17 fefd 0002"),
      inner: Buffer.from("ok"),
    });
    expect(text(opener(AES_128_GCM).open(received(forged)))).toBe("ok");
  });

  test("RFC 7905 §2: no explicit nonce; the 64 bits of epoch and sequence number XOR the IV (R1.5, F2)", () => {
    const key = new Uint8Array(32).fill(7);
    const iv = hex("ffeeddccbbaa998877665544");
    const to = new Sealer({
      aead: CHACHA20_POLY1305,
      key,
      iv,
      epoch: 0xfedc,
      connectionId: undefined,
      sequence: 0xba9876543210,
    });
    // bbaa998877665544 XOR fedcba9876543210
    const nonce = hex("ffeeddcc 4576231001326754");
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    cipher.setAAD(hex("fedcba9876543210 17 fefd 0002"), { plaintextLength: 2 });
    const expected = Buffer.concat([cipher.update(Buffer.from("ok")), cipher.final(), cipher.getAuthTag()]);
    expect(toHex(to.seal(applicationData, Buffer.from("ok")).subarray(13))).toBe(toHex(expected));
  });
});

describe("connection ids", () => {
  const header = hex("19fefd0001000000000009 c1d0c1d0c1d0c1d0");
  const explicitNonce = hex("0001000000000009");
  const nonce = hex("f0f1f2f30001000000000009");

  function withInner(inner: Uint8Array, length = inner.length): Uint8Array {
    const tail = length.toString(16).padStart(4, "0");
    return forge({
      aead: AES_128_GCM,
      header,
      explicitNonce,
      nonce,
      additionalData: hex(`ffffffffffffffff 19 08 19 fefd 0001 000000000009 c1d0c1d0c1d0c1d0 ${tail}`),
      inner,
    });
  }

  test("RFC 9146 §4, §5.3: the record and its additional data by another hand (R11.3, R11.4)", () => {
    const forged = withInner(Buffer.concat([message, hex("17")]));
    const from = opener(AES_128_GCM, { connectionId });
    expect(from.open(received(forged))).toMatchObject({ type: applicationData, isNewest: true });
    const own = sealer(AES_128_GCM, { connectionId, sequence: 9 });
    expect(toHex(own.seal(applicationData, message))).toBe(toHex(forged));
    expect(own.overhead).toBe(13 + 8 + 8 + 1 + 16);
  });

  test("RFC 9146 §4: zeros after the type are padding (R11.2, R11.5)", () => {
    for (const zeros of [1, 17, 1000]) {
      const forged = withInner(Buffer.concat([message, hex("17"), new Uint8Array(zeros)]));
      const opened = opener(AES_128_GCM, { connectionId }).open(received(forged));
      expect(opened).toMatchObject({ type: applicationData });
      expect(text(opened)).toBe(message.toString());
    }
    // Zeros of the content itself are not.
    const opened = opener(AES_128_GCM, { connectionId }).open(received(withInner(hex("0000001600"))));
    expect(opened).toMatchObject({ type: 22, plaintext: Buffer.alloc(3) });
  });

  test("RFC 9146 §4: inner plaintext of nothing but zeros, or of nothing, has no type (R11.5)", () => {
    for (const length of [0, 1, 100]) {
      const from = opener(AES_128_GCM, { connectionId });
      const record = received(withInner(new Uint8Array(length)));
      expect(from.open(record)).toBe("malformed_record");
      // It was authentic, so it has been received.
      expect(from.open(record)).toBe("replayed");
    }
  });

  test("RFC 9146 §5: DTLSInnerPlaintext is 2^14 bytes at most, its type and padding included (R11.5)", () => {
    const inner = new Uint8Array(2 ** 14).fill(23);
    expect(opener(AES_128_GCM, { connectionId }).open(received(withInner(inner)))).toMatchObject({
      type: applicationData,
    });
    const oneMore = new Uint8Array(2 ** 14 + 1).fill(23);
    expect(opener(AES_128_GCM, { connectionId }).open(received(withInner(oneMore)))).toBe("record_too_large");
    const to = sealer(AES_128_GCM, { connectionId });
    expect(() => to.seal(applicationData, new Uint8Array(2 ** 14))).toThrow(RangeError);
    expect(to.sequence).toBe(0);
  });

  test("RFC 9146 §3: with a connection id, a record without it is thrown away though its keys are right (C4, R11.2)", () => {
    const from = opener(AES_128_GCM, { connectionId });
    const record = received(sealer(AES_128_GCM).seal(applicationData, message));
    expect(from.open(record)).toBe("missing_connection_id");
    // On the way, type 25 was rewritten to 23 and the connection id cut out.
    const true1 = sealer(AES_128_GCM, { connectionId }).seal(applicationData, message);
    const stripped = Buffer.concat([true1.subarray(0, 11), true1.subarray(19)]);
    stripped[0] = applicationData;
    expect(from.open(received(stripped))).toBe("missing_connection_id");
    expect(from.failures).toBe(0);
  });

  test("RFC 9146 §3: another connection id, or one where none was agreed on, is thrown away (R11.1)", () => {
    const record = received(sealer(AES_128_GCM, { connectionId }).seal(applicationData, message));
    for (const other of [hex("c1d0c1d0c1d0c1d1"), hex("c1d0c1d0c1d0c1"), hex("c1d0c1d0c1d0c1d0c1")]) {
      expect(opener(AES_128_GCM, { connectionId: other }).open(record)).toBe("wrong_connection_id");
    }
    expect(opener(AES_128_GCM).open(record)).toBe("wrong_connection_id");
    expect(opener(AES_128_GCM, { connectionId: new Uint8Array() }).open(record)).toBe("wrong_connection_id");
    expect(opener(AES_128_GCM, { connectionId }).open({ ...record, connectionId: undefined })).toBe(
      "wrong_connection_id",
    );
  });

  test("RFC 9146 §3: an empty connection id means records as they were before it (R11.1)", () => {
    const record = sealer(AES_128_GCM, { connectionId: new Uint8Array() }).seal(applicationData, message);
    expect(toHex(record)).toBe(toHex(sealer(AES_128_GCM).seal(applicationData, message)));
  });

  test("lengths 1 and 255 work, 256 is refused (G5)", () => {
    for (const length of [1, 255]) {
      const id = new Uint8Array(length).fill(9);
      const record = received(sealer(AES_128_GCM, { connectionId: id }).seal(22, message), length);
      expect(opener(AES_128_GCM, { connectionId: id }).open(record)).toMatchObject({ type: 22 });
    }
    expect(() => sealer(AES_128_GCM, { connectionId: new Uint8Array(256) })).toThrow(RangeError);
  });

  test("associations with ids of one length do not get into each other's additional data", () => {
    const other = hex("0badcafe0badcafe");
    const [to1, to2] = [sealer(AES_128_GCM, { connectionId }), sealer(AES_128_GCM, { connectionId: other })];
    const [from1, from2] = [
      opener(AES_128_GCM, { connectionId }),
      opener(AES_128_GCM, { connectionId: other }),
    ];
    for (let round = 0; round < 3; round++) {
      const [record1, record2] = [to1.seal(22, message), to2.seal(22, message)];
      expect(from2.open(received(record2))).toMatchObject({ type: 22 });
      expect(from1.open(received(record1))).toMatchObject({ type: 22 });
    }
  });
});

describe("order, loss and forgery", () => {
  test("RFC 9146 §6: only a record newer than all before it is the newest (R11.7, G1)", () => {
    const to = sealer(AES_128_GCM, { connectionId });
    const from = opener(AES_128_GCM, { connectionId });
    const records = Array.from({ length: 4 }, () => received(to.seal(applicationData, message)));
    const open = (index: number) => {
      const record = records[index];
      if (record === undefined) throw new Error("unreachable");
      return from.open(record);
    };
    expect(open(1)).toMatchObject({ isNewest: true });
    expect(open(0)).toMatchObject({ isNewest: false });
    expect(open(3)).toMatchObject({ isNewest: true });
    expect(open(2)).toMatchObject({ isNewest: false });
  });

  test("a forged record far ahead moves no window: the honest ones still open (F1)", () => {
    const to = sealer(AES_128_GCM);
    const from = opener(AES_128_GCM);
    const honest = received(to.seal(applicationData, message));
    expect(from.open({ ...honest, sequence: maxSequence })).toBe("bad_record_mac");
    expect(from.failures).toBe(1);
    expect(from.open(honest)).toMatchObject({ isNewest: true });
  });

  test("a replayed record is not decrypted, and counts as no forgery (R1.6, F6)", () => {
    const record = received(sealer(AES_128_GCM).seal(applicationData, message));
    const from = opener(AES_128_GCM);
    from.open(record);
    expect(from.open({ ...record, fragment: damaged(record.fragment, 30) })).toBe("replayed");
    expect(from.failures).toBe(0);
  });

  test("jumps forward of any size open (F4)", () => {
    const from = opener(AES_128_GCM);
    for (const sequence of [0, 65, 1000, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 47, maxSequence]) {
      const record = sealer(AES_128_GCM, { sequence }).seal(applicationData, message);
      expect(from.open(received(record)), `${sequence}`).toMatchObject({ isNewest: true });
    }
  });

  test("random bytes in a record's place throw nothing and open nothing (R1.3)", () => {
    const openers = algorithms.map((aead) => opener(aead, { connectionId }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2 ** 16 - 1), (fragment, epoch) => {
        const record = {
          type: 25,
          version: 0xfefd,
          epoch: epoch % 3,
          sequence: epoch,
          connectionId,
          fragment,
        };
        for (const from of openers) expect(from.open({ ...record, bytes: fragment })).toBeTypeOf("string");
      }),
    );
  });
});

describe("limits of the ciphers", () => {
  test.each([
    [AES_128_GCM, 2 ** 24.5 * 2 ** 14],
    [AES_128_CCM, 2 ** 23 * 2 ** 14],
    [AES_128_CCM_8, 2 ** 23 * 2 ** 14],
  ])(
    "RFC 9147 §4.5.3: one key protects no more than its limit, by the bytes it worked on: $name (F6)",
    (aead, limit) => {
      const to = sealer(aead, { sealedBytes: Math.floor(limit) - 2 * 164 });
      to.seal(applicationData, new Uint8Array(100));
      to.seal(applicationData, new Uint8Array(100));
      expect(dtlsErrorCode(() => to.seal(applicationData, new Uint8Array()))).toBe("DTLS_SEQUENCE_EXHAUSTED");
      // The numbers that are left after it are not used up by trying.
      expect(to.sequence).toBe(2);
    },
  );

  test("RFC 9147 §4.5.3: how many forgeries are borne, least of all with a tag of 8 bytes (F6, R16)", () => {
    const limits = Object.fromEntries(
      algorithms.map(({ name, openFailureLimit }) => [name, openFailureLimit]),
    );
    expect(limits).toEqual({
      AEAD_AES_128_GCM: 2 ** 36,
      AEAD_AES_256_GCM: 2 ** 36,
      AEAD_AES_128_CCM: 11_863_283,
      AEAD_AES_256_CCM: 11_863_283,
      AEAD_AES_128_CCM_8: 2 ** 16,
      AEAD_AES_256_CCM_8: 2 ** 16,
      AEAD_CHACHA20_POLY1305: 2 ** 36,
    });
  });

  test("a tag of 8 bytes is refused where 16 were agreed on, and the other way round", () => {
    const full = received(sealer(AES_128_CCM).seal(applicationData, message));
    const cut = { ...full, fragment: full.fragment.subarray(0, -8) };
    expect(opener(AES_128_CCM).open(cut)).toBe("bad_record_mac");
    expect(opener(AES_128_CCM_8).open(full)).toBe("bad_record_mac");
    // CCM authenticates the length of its tag, so that the 8 bytes in front of it would not fit either.
    expect(opener(AES_128_CCM_8).open(cut)).toBe("bad_record_mac");
  });

  test("keys, IVs and plaintext of a wrong length are a mistake of ours, and said so", () => {
    const right = options(AES_256_CCM_8, {});
    for (const wrong of [
      { ...right, key: right.key.subarray(1) },
      { ...right, iv: right.iv.subarray(1) },
    ]) {
      expect(() => new Sealer(wrong)).toThrow(RangeError);
      expect(() => new Opener(wrong)).toThrow(RangeError);
    }
    const to = sealer(AES_128_GCM);
    expect(() => to.seal(applicationData, new Uint8Array(2 ** 14 + 1))).toThrow(RangeError);
    expect(to.sequence).toBe(0);
  });
});
