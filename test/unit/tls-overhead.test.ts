import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as device from "../../device-client/tls-overhead.ts";
import * as gateway from "../../gateway/tls-overhead.ts";

const limit = 2 ** 15;
const nothing = { wireBytes: 0, clearBytes: 0, records: 0, unreadBytes: 0, drained: true };

const costs = fc.constantFrom(21, 22, 29);
const recordSize = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1, 2, 4) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 16_384 }) },
  { weight: 1, arbitrary: fc.constant(16_384) },
);

/** A peer that sends records of application data, and looks at it in between. */
const honestHistory = fc.record({
  perRecord: costs,
  // What TLS said in the handshake counts for nothing, however long the chain was.
  handshakeBytes: fc.nat(200_000),
  looks: fc.array(
    fc.record({
      records: fc.array(recordSize, { maxLength: 60 }),
      // Of the next record, so much has come.
      partOfNext: fc.double({ min: 0, max: 0.999, noNaN: true }),
      next: recordSize,
      // Records that TLS has handed out and nobody has read.
      unread: fc.nat(60),
      drained: fc.boolean(),
      elapsedMs: fc.nat(5_000),
    }),
    { maxLength: 30 },
  ),
});

describe.each([
  ["the gateway", gateway],
  ["the device", device],
])("%s", (_who, { TlsOverhead, recordOverhead }) => {
  test("application data alone is never too much, in records of whatever size, read or not", () => {
    fc.assert(
      fc.property(honestHistory, ({ perRecord, handshakeBytes, looks }) => {
        const overhead = new TlsOverhead({ bytes: limit, perRecord }, handshakeBytes, 0);
        let [now, complete] = [0, 0];
        let unread: number[] = [];
        const read = { bytes: 0, records: 0 };
        for (const look of looks) {
          now += look.elapsedMs;
          for (const size of look.records) complete += size + perRecord;
          unread.push(...look.records);
          for (const size of unread.slice(0, Math.max(0, unread.length - look.unread))) {
            read.bytes += size;
            read.records += 1;
          }
          unread = unread.slice(Math.max(0, unread.length - look.unread));
          const part = Math.floor(look.partOfNext * (look.next + perRecord));
          const count = {
            wireBytes: handshakeBytes + complete + part,
            clearBytes: read.bytes,
            records: read.records,
            unreadBytes: unread.reduce((sum, size) => sum + size, 0),
            drained: look.drained,
          };
          expect(overhead.look(count, now)).toBeUndefined();
          // The rest of it comes.
          complete += look.next + perRecord;
          unread.push(look.next);
        }
      }),
    );
  });

  test("what a peer that does not read has sent besides is never more than the limit when it is let go on", () => {
    const looks = fc.array(
      fc.record({ overhead: fc.nat(limit), data: fc.nat(1_000), elapsedMs: fc.nat(10 ** 8) }),
    );
    fc.assert(
      fc.property(costs, looks, (perRecord, history) => {
        const overhead = new TlsOverhead({ bytes: limit, perRecord }, 0, 0);
        let [now, besides, wireBytes, clearBytes, records] = [0, 0, 0, 0, 0];
        for (const look of history) {
          now += look.elapsedMs;
          besides += look.overhead;
          clearBytes += look.data;
          records += look.data;
          wireBytes += look.overhead + look.data * (1 + perRecord);
          const found = overhead.look(
            { wireBytes, clearBytes, records, unreadBytes: 0, drained: false },
            now,
          );
          expect(found).toBe(besides > limit ? besides : undefined);
          if (found !== undefined) return;
        }
      }),
    );
  });

  test("a peer that takes what it is sent may go on at the limit's rate, and not above", () => {
    const overhead = new TlsOverhead({ bytes: limit, perRecord: 22 }, 0, 0);
    let wireBytes = 0;
    for (let now = 500; now <= 60_000; now += 500) {
      wireBytes += limit / 2;
      expect(overhead.look({ ...nothing, wireBytes }, now)).toBeUndefined();
    }
    let looks = 0;
    for (let now = 60_500; looks < 10; now += 500, looks += 1) {
      wireBytes += limit;
      if (overhead.look({ ...nothing, wireBytes }, now) !== undefined) break;
    }
    expect(looks).toBeLessThan(2);
  });

  test("what is not read yet is given the benefit of the doubt, and no more than that", () => {
    const overhead = new TlsOverhead({ bytes: limit, perRecord: 22 }, 0, 0);
    const count = { ...nothing, drained: false, unreadBytes: 1_000 };
    expect(overhead.look({ ...count, wireBytes: limit + 23_000 }, 0)).toBeUndefined();
    expect(overhead.look({ ...count, wireBytes: limit + 23_001 }, 0)).toBe(limit + 23_001);
  });

  test("is empty again once it has run empty, or what is not data was data in part", () => {
    const overhead = new TlsOverhead({ bytes: limit, perRecord: 22 }, 0, 0);
    expect(overhead.isEmpty).toBe(true);
    overhead.look({ ...nothing, wireBytes: 1_000, drained: false }, 1_000);
    expect(overhead.isEmpty).toBe(false);
    overhead.look({ ...nothing, wireBytes: 1_022, clearBytes: 1_000, records: 1, drained: false }, 2_000);
    expect(overhead.isEmpty).toBe(true);
    overhead.look({ ...nothing, wireBytes: 2_022, clearBytes: 1_000, records: 1 }, 3_000);
    expect(overhead.isEmpty).toBe(true);
  });

  test("a clock that goes back gives nothing for it", () => {
    const overhead = new TlsOverhead({ bytes: limit, perRecord: 22 }, 0, 1_000);
    overhead.look({ ...nothing, wireBytes: limit }, 1_000);
    expect(overhead.look({ ...nothing, wireBytes: limit }, 0)).toBeUndefined();
    expect(overhead.look({ ...nothing, wireBytes: limit + 1 }, 0)).toBe(limit + 1);
  });

  test.each([
    ["TLSv1.3", "TLS_AES_256_GCM_SHA384", 22],
    ["TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 22],
    ["TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", 29],
    ["TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305", 21],
  ])("a record of %s with %s costs %i bytes beside its content", (protocol, cipher, bytes) => {
    expect(recordOverhead(protocol, cipher)).toBe(bytes);
  });
});
