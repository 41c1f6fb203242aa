import { expect, describe as suite, test } from "vitest";
import {
  applicationRecordIn,
  describe,
  dtlsRecord,
  fragmentsIn,
  handshakeIn,
  recordsIn,
  wholeMessage,
} from "../../../../mitm/path/datagram-record.ts";
import { refragment } from "../../../../mitm/path/refragment.ts";
import { Prng } from "../../../../mitm/prng.ts";

const cid = Uint8Array.of(1, 2, 3, 4);
const bearing = dtlsRecord({ type: 25, epoch: 1, sequence: 2 ** 40 + 5, cid }, new Uint8Array(20));
const body = Uint8Array.from({ length: 150 }, (_, index) => index);
const certificate = dtlsRecord({ type: 22, epoch: 0, sequence: 3 }, wholeMessage(11, 2, body));

suite("records of a datagram", () => {
  test("are read back as they were written, with connection ids of the receiver's length", () => {
    const [first, second] = recordsIn(Buffer.concat([certificate, bearing]), cid.length);
    expect(first).toMatchObject({ type: 22, epoch: 0, sequence: 3 });
    expect(second).toMatchObject({ type: 25, epoch: 1, sequence: 2 ** 40 + 5 });
    expect([...(second?.cid ?? [])]).toEqual([...cid]);
    expect(second?.fragment).toHaveLength(20);
  });

  test("end where one cannot be read", () => {
    expect(recordsIn(bearing.subarray(0, -1), cid.length)).toEqual([]);
    expect(recordsIn(Uint8Array.of(1, 2, 3), 0)).toEqual([]);
  });

  test("are named", () => {
    expect(describe(recordsIn(Buffer.concat([certificate, bearing]), 4))).toBe(
      "Certificate, record with a connection id",
    );
    expect(describe([])).toBe("bytes that are no DTLS record");
  });

  test("hold what the application says only where no handshake is with it", () => {
    expect(applicationRecordIn(recordsIn(bearing, 4))).toBeDefined();
    expect(applicationRecordIn(recordsIn(Buffer.concat([certificate, bearing]), 4))).toBeUndefined();
  });
});

suite("a handshake cut anew", () => {
  const how = { pieceBytes: 40, overlapBytes: 7, shuffle: true };

  test("covers every byte of the message, in small pieces under numbers of their own", () => {
    const pieces = refragment(recordsIn(certificate, 0), how, new Prng(1)) ?? [];
    expect(pieces.length).toBeGreaterThan(3);
    const records = pieces.flatMap((piece) => recordsIn(piece, 0));
    expect(new Set(records.map(({ sequence }) => sequence)).size).toBe(records.length);
    const seen = new Uint8Array(body.length).fill(255);
    for (const { fragmentOffset, length, body: piece } of handshakeIn(records)) {
      expect(length).toBe(body.length);
      expect(piece.length).toBeLessThanOrEqual(how.pieceBytes + how.overlapBytes);
      seen.set(piece, fragmentOffset);
    }
    expect(seen).toEqual(body);
  });

  test("comes out the same for the same seed", () => {
    const cut = () => refragment(recordsIn(certificate, 0), how, new Prng(7));
    expect(cut()).toEqual(cut());
  });

  test("leaves a ClientHello whole, which a server without state could not put together", () => {
    const hello = dtlsRecord({ type: 22, epoch: 0, sequence: 0 }, wholeMessage(1, 0, body));
    expect(refragment(recordsIn(hello, 0), how, new Prng(1))).toBeUndefined();
  });
});

test("fragments are read, and what is cut off ends the list", () => {
  const message = wholeMessage(16, 3, Uint8Array.of(1, 2, 3));
  expect(fragmentsIn(message)).toMatchObject([{ msgType: 16, messageSeq: 3, length: 3, fragmentOffset: 0 }]);
  expect(fragmentsIn(message.subarray(0, -1))).toEqual([]);
});
