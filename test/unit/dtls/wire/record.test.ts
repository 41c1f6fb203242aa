import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  maxPlaintextLength,
  maxSequence,
  readRecord,
  recordHeaderLength,
  writePlaintextRecord,
} from "../../../../dtls/wire/record.ts";
import { ContentType } from "../../../../dtls/wire/registry.ts";
import { hex } from "../../../support/dtls/hex.ts";

const protectedRecord = hex("17 fefd 0001 800000000002 0003 aabbcc");
const withConnectionId = hex("19 fefd 0001 000000000003 c1c2c3 0002 aabb");

describe("readRecord", () => {
  test("RFC 6347 §4.1: header and fragment stand where the RFC puts them (R1.1)", () => {
    expect(readRecord(protectedRecord, 0, 0)).toEqual({
      type: 23,
      version: 0xfefd,
      epoch: 1,
      sequence: 2 ** 47 + 2,
      connectionId: undefined,
      fragment: hex("aabbcc"),
      bytes: protectedRecord,
    });
  });

  test("RFC 6347 §4.1.1: a datagram holds several records (R1.1)", () => {
    const plaintext = hex("16 feff 0000 000000000000 0000");
    const datagram = new Uint8Array([...plaintext, ...withConnectionId, ...protectedRecord]);
    const records = [];
    for (let offset = 0; offset < datagram.length; ) {
      const record = readRecord(datagram, offset, 3);
      if (record === undefined) throw new Error(`no record at ${offset}`);
      records.push(record);
      offset += record.bytes.length;
    }
    expect(records.map(({ bytes }) => bytes)).toEqual([plaintext, withConnectionId, protectedRecord]);
    expect(records.map(({ fragment }) => fragment)).toEqual([hex(""), hex("aabb"), hex("aabbcc")]);
  });

  test("RFC 6347 §4.1.1: a record that goes beyond its datagram is none, nor is one that is cut (R1.1)", () => {
    for (const [record, idLength] of [
      [protectedRecord, 0],
      [withConnectionId, 3],
    ] as const) {
      for (let length = 0; length < record.length; length++) {
        expect(readRecord(record.subarray(0, length), 0, idLength), `${length} bytes`).toBeUndefined();
      }
    }
  });

  test("at the end of a datagram, and past it, there is no record", () => {
    expect(readRecord(protectedRecord, protectedRecord.length, 0)).toBeUndefined();
    expect(readRecord(protectedRecord, protectedRecord.length + 5, 0)).toBeUndefined();
    expect(readRecord(hex(""), 0, 8)).toBeUndefined();
  });

  test("RFC 6347 §4.1.2.7: a version or type that nobody knows is for the association to discard (R1.3)", () => {
    const record = readRecord(hex("ff 0303 0000 000000000000 0000"), 0, 0);
    expect(record).toMatchObject({ type: 255, version: 0x0303 });
  });

  test("RFC 9146 §4: the connection id stands between sequence number and length (R11.8)", () => {
    expect(readRecord(withConnectionId, 0, 3)).toEqual({
      type: ContentType.tls12_cid,
      version: 0xfefd,
      epoch: 1,
      sequence: 3,
      connectionId: hex("c1c2c3"),
      fragment: hex("aabb"),
      bytes: withConnectionId,
    });
  });

  test.each([1, 8, 255])("RFC 9146 §3: connection ids of %d bytes are read (G5)", (length) => {
    const id = "d5".repeat(length);
    const record = readRecord(hex(`19 fefd 0001 000000000003 ${id} 0001 77`), 0, length);
    expect(record?.connectionId).toEqual(hex(id));
    expect(record?.fragment).toEqual(hex("77"));
  });

  test("RFC 9146 §3: an empty connection id is never sent: without ids no tls12_cid record is read (G5, R11.1)", () => {
    expect(readRecord(hex("19 fefd 0001 000000000003 0001 77"), 0, 0)).toBeUndefined();
  });

  test("RFC 9146 §4: records of other types have no connection id, whatever ours are (R11.3)", () => {
    expect(readRecord(protectedRecord, 0, 8)?.connectionId).toBeUndefined();
    expect(readRecord(protectedRecord, 0, 8)?.fragment).toEqual(hex("aabbcc"));
  });

  test("everything is a view of the datagram", () => {
    const datagram = withConnectionId.slice();
    const record = readRecord(datagram, 0, 3);
    datagram.fill(0xee);
    expect(record?.fragment).toEqual(hex("eeee"));
    expect(record?.connectionId).toEqual(hex("eeeeee"));
    expect(record?.bytes).toEqual(hex("ee".repeat(datagram.length)));
  });

  test("random bytes are read or not read, never thrown at (D6)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(100), fc.nat(255), (bytes, offset, idLength) => {
        const record = readRecord(bytes, offset, idLength);
        if (record === undefined) return;
        // What is read lies inside, and the next offset is further on.
        expect(record.bytes.length).toBeGreaterThanOrEqual(recordHeaderLength);
        expect(offset + record.bytes.length).toBeLessThanOrEqual(bytes.length);
        expect(record.bytes.length).toBe(
          recordHeaderLength + (record.connectionId?.length ?? 0) + record.fragment.length,
        );
      }),
    );
  });
});

describe("writePlaintextRecord", () => {
  test("RFC 6347 §4.1: a record of epoch 0 (R1.1)", () => {
    expect(writePlaintextRecord(ContentType.handshake, 2 ** 32 + 1, hex("aabb"))).toEqual(
      hex("16 fefd 0000 000100000001 0002 aabb"),
    );
  });

  test("RFC 6347 §4.2.1: a HelloVerifyRequest may go out as DTLS 1.0 (R2.1)", () => {
    expect(writePlaintextRecord(ContentType.handshake, 0, hex(""), 0xfeff)).toEqual(
      hex("16 feff 0000 000000000000 0000"),
    );
  });

  test("RFC 6347 §4.1: what is written is read back (F5)", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(20, 21, 22, 23),
        fc.integer({ min: 0, max: maxSequence }),
        fc.uint8Array({ maxLength: 300 }),
        (type, sequence, fragment) => {
          const bytes = writePlaintextRecord(type, sequence, fragment);
          const record = { type, version: 0xfefd, epoch: 0, sequence, connectionId: undefined };
          expect(readRecord(bytes, 0, 8)).toEqual({ ...record, fragment, bytes });
        },
      ),
    );
  });

  test("RFC 5246 §6.2.1: no more than 2^14 bytes in a record (R1.7)", () => {
    expect(writePlaintextRecord(22, 0, new Uint8Array(maxPlaintextLength))).toHaveLength(13 + 2 ** 14);
    expect(() => writePlaintextRecord(22, 0, new Uint8Array(maxPlaintextLength + 1))).toThrow(RangeError);
  });

  test("RFC 6347 §4.1: sequence numbers do not wrap (R1.4, F3)", () => {
    expect(() => writePlaintextRecord(22, maxSequence, hex(""))).not.toThrow();
    expect(() => writePlaintextRecord(22, maxSequence + 1, hex(""))).toThrow(RangeError);
    expect(() => writePlaintextRecord(22, -1, hex(""))).toThrow(RangeError);
    expect(() => writePlaintextRecord(22, Number.NaN, hex(""))).toThrow(RangeError);
  });
});
