import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  handshakeHeaderLength,
  readFragments,
  writeFragment,
  writeMessage,
} from "../../../../dtls/wire/handshake.ts";
import { HandshakeType } from "../../../../dtls/wire/registry.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";

describe("readFragments", () => {
  test("RFC 6347 §4.2.2: header and body stand where the RFC puts them (R3.1)", () => {
    expect(readFragments(hex("0b 010005 0102 010003 000002 aabb"))).toEqual([
      { msgType: 11, length: 0x010005, messageSeq: 0x0102, fragmentOffset: 0x010003, body: hex("aabb") },
    ]);
  });

  test("RFC 6347 §4.2.3: one record may hold several messages and parts of them (R3.5)", () => {
    const record = hex("0c 000002 0001 000001 000001 bb  0e 000000 0002 000000 000000");
    expect(readFragments(record)).toEqual([
      { msgType: 12, length: 2, messageSeq: 1, fragmentOffset: 1, body: hex("bb") },
      { msgType: 14, length: 0, messageSeq: 2, fragmentOffset: 0, body: hex("") },
    ]);
  });

  test("RFC 6347 §4.2.3: a fragment beyond its record is a decode_error (R3.3, E3)", () => {
    const record = hex("0c 000003 0001 000000 000003 aabbcc  0c 000003 0001 000000 000003 aabbcc");
    const whole = record.length / 2;
    for (let length = 0; length < record.length; length++) {
      const refused = length === whole ? undefined : "DTLS_DECODE_ERROR";
      expect(
        dtlsErrorCode(() => readFragments(record.subarray(0, length))),
        `${length} bytes`,
      ).toBe(refused);
    }
  });

  test("RFC 6347 §4.2.2: a fragment beyond its message is a decode_error (R3.3, E3)", () => {
    expect(dtlsErrorCode(() => readFragments(hex("0c 000003 0001 000002 000002 aabb")))).toBe(
      "DTLS_DECODE_ERROR",
    );
    expect(dtlsErrorCode(() => readFragments(hex("0c 000003 0001 ffffff 000001 aa")))).toBe(
      "DTLS_DECODE_ERROR",
    );
    // An offset at the end of a message, with nothing there.
    expect(dtlsErrorCode(() => readFragments(hex("0e 000000 0001 000001 000000")))).toBe("DTLS_DECODE_ERROR");
    expect(dtlsErrorCode(() => readFragments(hex("0c 000004 0001 000002 000002 aabb")))).toBeUndefined();
  });

  test("an empty fragment of a message that is not empty is a decode_error (E3)", () => {
    expect(dtlsErrorCode(() => readFragments(hex("0c 000003 0001 000000 000000")))).toBe("DTLS_DECODE_ERROR");
    expect(dtlsErrorCode(() => readFragments(hex("0c 000003 0001 000003 000000")))).toBe("DTLS_DECODE_ERROR");
    expect(dtlsErrorCode(() => readFragments(hex("0e 000000 0001 000000 000000")))).toBeUndefined();
  });

  test("RFC 5246 §6.2.1: an empty record of type handshake is a decode_error (E3)", () => {
    expect(dtlsErrorCode(() => readFragments(hex("")))).toBe("DTLS_DECODE_ERROR");
  });

  test("a declared length of 16 MiB allocates nothing (E2)", () => {
    expect(readFragments(hex("0b ffffff 0001 000000 000001 aa"))).toEqual([
      { msgType: 11, length: 0xffffff, messageSeq: 1, fragmentOffset: 0, body: hex("aa") },
    ]);
  });

  test("random bytes throw nothing but DTLS_DECODE_ERROR (E3, D6)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([undefined, "DTLS_DECODE_ERROR"]).toContain(dtlsErrorCode(() => readFragments(bytes)));
      }),
    );
  });
});

describe("writing", () => {
  test("RFC 6347 §4.2.6: a whole message has fragment_offset 0 and fragment_length = length (R3.4)", () => {
    expect(writeMessage(HandshakeType.client_hello, 1, hex("aabbcc"))).toEqual(
      hex("01 000003 0001 000000 000003 aabbcc"),
    );
    expect(writeMessage(HandshakeType.server_hello_done, 5, hex(""))).toEqual(
      hex("0e 000000 0005 000000 000000"),
    );
  });

  test("RFC 6347 §4.2.3: fragments carry type, length and message_seq of their message (R3.3)", () => {
    expect(writeFragment(HandshakeType.certificate, 0x010203, 0x0405, 0x010000, hex("aabb"))).toEqual(
      hex("0b 010203 0405 010000 000002 aabb"),
    );
  });

  test("RFC 6347 §4.2.3: what is written in fragments is read back (R3.3)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 65535 }),
        fc.uint8Array({ minLength: 1, maxLength: 500 }),
        fc.integer({ min: 1, max: 100 }),
        (msgType, messageSeq, body, size) => {
          const parts = [];
          for (let offset = 0; offset < body.length; offset += size) {
            const part = body.subarray(offset, offset + size);
            parts.push(writeFragment(msgType, body.length, messageSeq, offset, part));
          }
          const fragments = readFragments(new Uint8Array(Buffer.concat(parts)));
          expect(fragments.every((fragment) => fragment.length === body.length)).toBe(true);
          const again = Buffer.concat(fragments.map((fragment) => fragment.body));
          expect(new Uint8Array(again)).toEqual(body);
        },
      ),
    );
  });

  test("what no receiver could read is our own mistake: a RangeError", () => {
    expect(() => writeFragment(11, 3, 0, 2, hex("aabb"))).toThrow(RangeError);
    expect(() => writeFragment(11, 2 ** 24, 0, 0, hex("aabb"))).toThrow(RangeError);
    expect(() => writeFragment(11, 2, 2 ** 16, 0, hex("aabb"))).toThrow(RangeError);
    expect(() => writeFragment(11, 2, -1, 0, hex("aabb"))).toThrow(RangeError);
    expect(handshakeHeaderLength).toBe(12);
  });
});
